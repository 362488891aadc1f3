"""What an adapter takes from one answer into the next, over a real socket."""

from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.checks import read
from adapters.llm.chat_completions.adapter import ChatCompletions
from adapters.llm.responses.adapter import Responses
from adapters.upstream import UpstreamOptions
from tests.support.upstream_server import UpstreamServer, streams

Engine = ChatCompletions | Responses

USER = llm.Message(role="user", parts=(llm.Text(text="hello"),))

CALL = [{"id": "c", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"google": "c2ln"}}]
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
FUNCTION_CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
END = {"type": "response.completed", "response": {"status": "completed", "usage": {}}}


def chat(*pieces: str) -> list[Any]:
    deltas: list[Any] = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    return [*deltas, {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {}}]


def response(*pieces: str) -> list[Any]:
    return [*({"type": "response.output_text.delta", "delta": piece} for piece in pieces), END]


async def answer(engine: Engine, *messages: llm.Message, disabled: bool = False) -> list[Any]:
    reasoning = llm.Reasoning(disabled=disabled)
    return await read(engine.stream(llm.Request(model="m", messages=(USER, *messages), reasoning=reasoning)))


def said(events: list[Any]) -> str:
    return "".join(event.text for event in events if isinstance(event, llm.TextDelta))


@pytest.mark.parametrize(
    ("kind", "first", "found"),
    [
        (
            ChatCompletions,
            [{"choices": [{"delta": {"tool_calls": CALL}, "finish_reason": "tool_calls"}], "usage": {}}],
            lambda body: body["messages"][1]["tool_calls"][0]["extra_content"] == {"google": "c2ln"},
        ),
        (
            Responses,
            [{"type": "response.output_item.done", "item": item} for item in (REASONING, FUNCTION_CALL)] + [END],
            lambda body: body["input"][1] == REASONING,
        ),
    ],
)
async def test_what_the_server_wants_back_comes_back(
    kind: Callable[[UpstreamOptions], Engine], first: list[Any], found: Callable[[Any], bool]
) -> None:
    async with UpstreamServer(streams(*first)) as server:
        async with aclosing(kind(UpstreamOptions(responses_api_base_url=server.base_url))) as engine:
            *_, called, finished = await answer(engine)
            call = llm.ToolCall(call_id=called.call_id, name=called.name, arguments=called.arguments)
            await answer(engine, llm.Message(role="assistant", parts=(call, *finished.extra["opaque"])))
        assert found(server.exchanges[-1].json)


@pytest.mark.parametrize(("kind", "script"), [(ChatCompletions, chat), (Responses, response)])
async def test_a_model_that_thinks_unasked_is_found_out(
    kind: Callable[[UpstreamOptions], Engine], script: Callable[..., list[Any]]
) -> None:
    async with UpstreamServer(streams(*script("hm", "</think>", "Hello"))) as server:
        async with aclosing(kind(UpstreamOptions(responses_api_base_url=server.base_url))) as engine:
            await answer(engine, disabled=True)
            assert said(await answer(engine, disabled=True)) == "Hello"
            # It was not asked the other way yet: nothing is said before it is certain.
            assert said(await answer(engine)) == "Hello"
