"""The straight road: what a conversation keeps of items of any type, and what the server is sent of them later."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from adapters.llm.responses.adapter import Responses
from adapters.upstream import UpstreamOptions
from gateway.conversation.item_ids import new_family
from gateway.wire.passed_items import history_of, kept_items
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
THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
PICTURE = "data:image/png;base64,iVBORw0KGgo="
FILE = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
COMPARE: dict[str, Any] = {
    "role": "user",
    "content": [
        {"type": "input_text", "text": "Compare"},
        {"type": "input_image", "image_url": PICTURE, "detail": "high"},
        FILE,
    ],
}
CALLS: list[Any] = [
    (
        {"id": "ctc_1", "type": "custom_tool_call", "status": "completed", "call_id": "c", "name": "run", "input": "1"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "1"},
    ),
    (
        {"id": "mcpr_1", "type": "mcp_approval_request", "server_label": "x", "name": "roll", "arguments": "{}"},
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
    ),
    (
        {"id": "cu_1", "type": "computer_call", "call_id": "c", "action": {"type": "screenshot"}},
        {
            "type": "computer_call_output",
            "call_id": "c",
            "output": {"type": "computer_screenshot", "image_url": PICTURE},
        },
    ),
    (CALL | {"namespace": "mine"}, {"type": "function_call_output", "call_id": "call_1", "output": [FILE]}),
]


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


@pytest.mark.parametrize(("call", "result"), CALLS, ids=[call["type"] for call, _ in CALLS])
@pytest.mark.parametrize("named", [False, True], ids=["previous_response_id", "conversation"])
async def test_calls_and_their_results_of_any_type_are_sent_again(call: Any, result: Any, named: bool) -> None:
    async with road() as at:
        name = (await at.http.post("/v1/conversations", json={})).json()["id"] if named else ""
        at.output = [THOUGHT, OK, call]
        id_ = await at.answer("go", **({"conversation": name} if named else {}))
        at.output = [OK]
        for given in ([result], "next"):
            id_ = await at.answer(given, **({"conversation": name} if named else {"previous_response_id": id_}))
        assert at.sent[1:5] == [THOUGHT, OK, call, result]
        assert [item.get("role") for item in at.sent[5:]] == ["assistant", "user"]


async def test_messages_with_files_are_sent_again_and_put_into_words_for_another_route() -> None:
    async with road() as at:
        first = await at.answer([COMPARE, {"role": "user", "content": "Well?"}])
        second = await at.answer("And page 2?", previous_response_id=first)
        assert at.sent[0] == COMPARE | {"type": "message"}
        assert at.sent[1]["content"] == "Well?"
        await at.answer("In short?", previous_response_id=second, model="other")
        text, picture, file = at.sent[0]["content"]
        assert (text["text"], picture["image_url"], file["text"]) == ("Compare", PICTURE, "(input_file)")


async def test_reasoning_that_a_client_brings_is_sent_again() -> None:
    thought = THOUGHT | {"summary": [{"type": "summary_text", "text": "Look."}]}
    async with road() as at:
        result = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}
        first = await at.answer([{"role": "user", "content": "Hi"}, thought, CALL, result])
        await at.answer("And?", previous_response_id=first)
        assert at.sent[1] == thought
        assert [item["type"] for item in at.sent[2:4]] == ["function_call", "function_call_output"]
    messages = history_of(kept_items([thought, CALL], new_family()), "first")
    assert [message.reasoning for message in messages] == [None, "Look."], "for a server that takes it as text"


async def test_reasoning_that_no_server_knows_again_is_left_out() -> None:
    async with road() as at:
        at.output = [{"id": "rs_2", "type": "reasoning", "summary": []}, CALLS[0][0]]
        first = await at.answer("go")
        await at.answer([CALLS[0][1]], previous_response_id=first)
        assert [item["type"] for item in at.sent] == ["message", "custom_tool_call", "custom_tool_call_output"]


async def test_what_was_deleted_does_not_come_back() -> None:
    async with road() as at:
        name = (await at.http.post("/v1/conversations", json={})).json()["id"]
        call, result = CALLS[0]
        at.output = [call]
        await at.answer("go", conversation=name)
        at.output = [OK]
        await at.answer([result], conversation=name)
        listed = (await at.http.get(f"/v1/conversations/{name}/items?order=asc")).json()["data"]
        for item in listed[1:3]:
            assert (await at.http.delete(f"/v1/conversations/{name}/items/{item['id']}")).status_code == 200
        await at.answer("next", conversation=name)
        assert [item["type"] for item in listed[1:3]] == ["custom_tool_call", "custom_tool_call_output"]
        assert "custom_tool" not in json.dumps(at.sent)


async def test_what_stands_beside_a_deleted_item_goes_back_as_it_was() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}
    async with road() as at:
        name = (await at.http.post("/v1/conversations", json={})).json()["id"]
        call, result = CALLS[0]
        at.output = [thought, OK | {"id": "msg_said"}, call]
        await at.answer("go", conversation=name)
        assert (await at.http.delete(f"/v1/conversations/{name}/items/msg_said")).status_code == 200
        await at.answer([result], conversation=name)
        # Reasoning without the item that it led to would be refused.
        assert [item["type"] for item in at.sent] == ["message", "custom_tool_call", "custom_tool_call_output"]
        assert at.sent[1] == call


async def test_urls_that_a_server_wrote_are_its_own() -> None:
    async with road() as at:
        found = {"id": "x_1", "type": "picture_search_call", "thumbnail_url": "https://example.invalid/a.png"}
        at.output = [found, OK]
        first = await at.answer("Find one.")
        await at.answer("Another?", previous_response_id=first)
        assert at.sent[1] == found


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
