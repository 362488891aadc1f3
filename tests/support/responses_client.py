"""What tests of the Responses API share: the SDK's types as oracle, and scripted models."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from adapters import scripted
from adapters.contract import llm
from gateway.engines.route import Engines
from tests.support.server import events_in, gateway_of, scripted_engines, served

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

CLOCK = {"type": "function", "name": "clock", "parameters": {"type": "object", "properties": {}}}


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """A served gateway, clients of it, and its engines."""

    address: str
    http: httpx.AsyncClient
    sdk: AsyncOpenAI
    engines: Any

    @property
    def got(self) -> list[str]:
        """What the model was last asked, as "role: text" with calls and results in brackets."""
        request: llm.Request = self.engines.llm.requests[-1]
        return [f"{message.role}: {' + '.join(map(_said, message.parts))}" for message in request.messages]


def _said(part: llm.Part) -> str:
    match part:
        case llm.Text():
            return part.text
        case llm.ToolCall():
            return f"[{part.call_id} {part.name}]"
        case llm.ToolResult():
            return f"[{part.call_id}: {part.output}]"
        case _:
            return f"[{type(part).__name__}]"


@asynccontextmanager
async def desk(*flags: str, **engines: Any) -> AsyncGenerator[Desk, None]:
    """A gateway with scripted engines, but for those that are given."""
    used: Engines = scripted_engines(**engines)
    async with served(gateway_of(used, *flags)) as address, clients(address) as (http, sdk):
        yield Desk(address=address, http=http, sdk=sdk, engines=used)


@asynccontextmanager
async def clients(address: str) -> AsyncGenerator[tuple[httpx.AsyncClient, AsyncOpenAI], None]:
    """A plain client and the SDK, which does not try again: a test wants to see what was refused."""
    async with (
        httpx.AsyncClient(base_url=address, timeout=20) as http,
        AsyncOpenAI(base_url=f"{address}/v1", api_key="sk-local", max_retries=0, timeout=20) as sdk,
    ):
        yield http, sdk


def checked_events(body: str) -> list[dict[str, Any]]:
    """The events in ``body``, each of which is one of the SDK's; their names, numbers and places are in order."""
    names = [line.removeprefix("event: ") for line in body.split("\n") if line.startswith("event: ")]
    events = list(events_in(body))
    assert names == [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        EVENT.validate_python(event)
        if "response" in event:
            checked_response(event["response"])
    added = [event["output_index"] for event in events if event["type"] == "response.output_item.added"]
    assert added == list(range(len(added)))
    assert events[0]["type"] == "response.created"
    return events


SHAPE = {
    *("id", "object", "created_at", "status", "completed_at", "background", "error", "incomplete_details"),
    *("instructions", "max_output_tokens", "model", "output", "parallel_tool_calls", "previous_response_id"),
    *("reasoning", "store", "temperature", "text", "tool_choice", "tools", "top_p", "truncation", "usage", "user"),
    "metadata",
}
"""The keys of OpenAI's example of a response."""


def checked_response(response: dict[str, Any]) -> dict[str, Any]:
    """``response``, which the SDK's type takes and which has every key that OpenAI shows."""
    Response.model_validate(response)
    assert response.keys() >= SHAPE
    return response


def writing(*events: llm.Event, reason: llm.FinishReason = "stop") -> scripted.LanguageModelScript:
    """The script of a model that sends ``events`` and ends for ``reason``."""

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for event in events:
            yield event
        usage = llm.Usage(input_tokens=7, output_tokens=5, cached_tokens=2, reasoning_tokens=1)
        yield llm.Finished(reason=reason, usage=usage)

    return script


def call(call_id: str, name: str, *pieces: str) -> Iterable[llm.Event]:
    """The events of a call whose arguments come in ``pieces``."""
    yield llm.ToolCallStarted(call_id=call_id, name=name)
    for piece in pieces:
        yield llm.ToolCallDelta(call_id=call_id, arguments=piece)
    yield llm.ToolCallFinished(call_id=call_id, name=name, arguments="".join(pieces))
