"""The straight road: what a conversation keeps of items of any type, and what the server is sent of them later."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from adapters.llm.responses.adapter import Responses
from adapters.upstream import UpstreamOptions
from tests.support.responses_client import CLOCK
from tests.support.server import events_in, gateway_with_routes, scripted_engines, served
from tests.support.upstream_server import Exchange, UpstreamServer

OK: dict[str, Any] = {
    "id": "msg_ok",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "It is 4711.", "annotations": []}],
}
CALL = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "clock"} | {
    "arguments": "{}"
}


class Road:
    """A server that answers with ``output``, a gateway of two routes in front of it, and a client of that.

    Each response is named after ``name`` and its number; of a stream, only the items' own events have ``output``.
    """

    server: UpstreamServer
    http: httpx.AsyncClient

    def __init__(self) -> None:
        self.name = "resp_own"
        self.output: list[dict[str, Any]] = [OK]
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, exchange: Exchange) -> None:
        if not exchange.body:  # the gateway only opens a connection
            await exchange.reply(404, {})
            return
        self.asked.append(exchange.json)
        response = {"id": f"{self.name}{len(self.asked)}", "object": "response", "model": "m", "status": "completed"}
        if not exchange.json.get("stream"):
            await exchange.reply(200, response | {"output": self.output})
            return
        items = [
            {"type": "response.output_item.done", "output_index": place, "item": item}
            for place, item in enumerate(self.output)
        ]
        await exchange.start()
        await exchange.events(
            {"type": "response.created", "response": response | {"status": "in_progress", "output": []}},
            {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "It "},
            *items,
            {"type": "response.completed", "response": response | {"output": []}},
        )
        await exchange.finish()

    @property
    def sent(self) -> Any:
        """The input that the server got last."""
        return self.asked[-1]["input"]

    async def answer(self, given: Any, **fields: Any) -> str:
        """The id of the response to ``given``."""
        answer = await self.http.post("/v1/responses", json={"input": given, **fields})
        assert answer.status_code == 200, answer.text
        if fields.get("stream"):
            return str(list(events_in(answer.text))[-1]["response"]["id"])
        return str(answer.json()["id"])


@asynccontextmanager
async def road() -> AsyncGenerator[Road, None]:
    at = Road()
    async with UpstreamServer(at) as at.server:
        model = Responses(UpstreamOptions(responses_api_base_url=at.server.base_url))
        gateway = gateway_with_routes(scripted_engines(llm=model), [("first", ()), ("other", ())])
        async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=60) as at.http:
            yield at


async def test_items_whose_own_events_alone_state_them_are_recorded() -> None:
    async with road() as at:
        first = await at.answer("The code?", stream=True)
        assert (await at.http.get(f"/v1/responses/{first}")).json()["output"] == [OK]
        await at.answer("Again?", previous_response_id=first)
        assert [item["role"] for item in at.sent] == ["user", "assistant", "user"]
        assert at.sent[1]["content"] == OK["content"]
        at.output = [CALL]
        asking = await at.answer("The time?", tools=[CLOCK], stream=True)
        result = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}
        await at.answer([result], previous_response_id=asking)
        assert at.sent[1]["call_id"] == "call_1"


@pytest.mark.parametrize("length", [110, 2_300])
async def test_long_ids_of_a_server_are_kept(length: int) -> None:
    async with road() as at:
        at.name = "resp_" + "bGl0ZWxsbTo" * 250
        at.name = at.name[: length - 2] + "="
        at.output = [OK | {"id": at.name}]
        first = await at.answer("Hi")
        assert len(first) == length
        assert (await at.http.get(f"/v1/responses/{first}")).json()["id"] == first
        await at.answer([{"type": "item_reference", "id": at.name}], previous_response_id=first)
        assert len(at.sent) == 3
        call = CALL | {"id": at.name}
        await at.answer([call, {"type": "function_call_output", "call_id": "call_1", "output": "noon"}])


@pytest.mark.parametrize("name", ["a\r\nx-own: 1", "ż", "x" * 3_000])
async def test_an_id_that_cannot_be_kept_is_passed_on_but_in_no_header(name: str) -> None:
    async with road() as at:
        at.name = name
        answer = await at.http.post("/v1/responses", json={"input": "Hi"})
        assert answer.json()["id"] == name + "1"
        assert not {"x-response-id", "x-own"} & answer.headers.keys()
