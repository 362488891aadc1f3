"""The straight road alone as a surface: both protocols, every request passed on as it is."""

from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency

from adapters.contract import llm
from adapters.contract.errors import AdapterError
from adapters.contract.passthrough import WireProtocol
from gateway.conversation.history import ConversationRef
from gateway.engines.lifecycle import Gateway
from gateway.http.passed_answer import PassedAnswer
from gateway.http.streaming import StreamingResponse
from gateway.http.surface import Surface
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import Turns
from gateway.turns.passed_turn import PassedRequest, passes

kept: list[dict[str, Any]] = []
"""The responses that were to be kept, in their order."""


@post("/v1/chat/completions", status_code=200, opt={"limited": True, "fields": {}})
async def chat_completions(
    request: Request[Any, Any, Any], gateway: NamedDependency[Gateway], turns: NamedDependency[Turns]
) -> StreamingResponse:
    """Pass a chat completion on."""
    body = msgspec.json.decode(await request.body())
    return _answer(PassedRequest(body=body), "chat-completions", gateway, turns).response()


@post("/v1/responses", status_code=200, opt={"limited": True, "fields": {}})
async def responses(
    request: Request[Any, Any, Any], gateway: NamedDependency[Gateway], turns: NamedDependency[Turns]
) -> StreamingResponse:
    """Pass a response on; the input is text."""
    body = msgspec.json.decode(await request.body())
    ref = ConversationRef(
        previous_response=body.pop("previous_response_id", None),
        keep=body.get("store") is not False,
        added=(llm.Message(role="user", parts=(llm.Text(text=body["input"]),)),),
    )
    answer = _answer(PassedRequest(body=body, conversation=ref), "responses", gateway, turns)
    return msgspec.structs.replace(answer, kept=_keep, failed=_failed).response()


async def _keep(response: dict[str, Any]) -> None:
    kept.append(response)


def _failed(error: AdapterError) -> bytes:
    return b"event: error\ndata: %b\n\n" % msgspec.json.encode({"type": "error", "message": error.message})


def _answer(request: PassedRequest, protocol: WireProtocol, gateway: Gateway, turns: Turns) -> PassedAnswer:
    watch = Stopwatch()
    served = gateway.admit(request.body.get("model"), ("llm",))
    assert passes(served, protocol, request.body)
    turn = turns.pass_on(request, served, watch)
    return PassedAnswer(turn=turn, watch=watch, streamed=request.body.get("stream") is True)


surface = Surface(handlers=(chat_completions, responses), wire_types=())
