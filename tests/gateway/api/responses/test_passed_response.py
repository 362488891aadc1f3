"""The straight road: what a server of the same protocol writes reaches the client as it is, and is recorded."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.http_client import ROUTE, form, refused
from tests.support.responses_client import clients
from tests.support.server import EMBEDDED, events_in, gateway_of, question, scripted_engines, served, until
from tests.support.upstream_server import Exchange, UpstreamServer

FIXTURES = Path(__file__).parents[3] / "fixtures" / "providers"
NAMES = (
    "openai-responses",
    "openai-responses-tools",
    "openai-responses-refusal",
    "openai-responses-incomplete",
    "vllm-responses",
    "vllm-responses-tools",
)
SAID = "It is 21 °C in Zürich."


def fixture(name: str) -> bytes:
    return (FIXTURES / f"{name}.sse").read_bytes()


def document(name: str) -> dict[str, Any]:
    """The whole response that a stream ends with."""
    found: dict[str, Any] = list(events_in(fixture(name).decode()))[-1]["response"]
    return found


class Provider:
    """A server that answers with a recorded stream, or with the whole response; each answer has an id of its own.

    Asked "wait" it stops in the middle until the client leaves, asked "cut" it hangs up there, or after a "comment".
    """

    def __init__(self, name: str = "openai-responses") -> None:
        self.name = name
        self.count = 0

    async def __call__(self, exchange: Exchange) -> None:
        if not exchange.body:  # the gateway only opens a connection
            await exchange.reply(404, {})
            return
        self.count += 1
        own = f"resp_own{self.count}".encode()
        data = fixture(self.name).replace(b"resp_01", own)
        asked = json.dumps(exchange.json["input"])
        if not exchange.json.get("stream"):
            await exchange.reply(200, json.dumps(document(self.name)).encode().replace(b"resp_01", own))
            return
        await exchange.start()
        if "wait" in asked or "cut" in asked:
            pieces = [b"event: " + piece for piece in data[: data.index(b"Z\xc3\xbcrich")].split(b"event: ")[1:]]
            if "comment" in asked:
                pieces[-1] = b": still there\n\n"
            for piece in pieces:
                await exchange.send(piece)
                await asyncio.sleep(0.02)  # else several would be read as one
            await exchange.until_left() if "wait" in asked else exchange.cut()
            return
        for start in range(0, len(data), 700):
            await exchange.send(data[start : start + 700])
        await exchange.finish()


class Road(Provider):
    """A provider, a gateway in front of it, and clients of that."""

    server: UpstreamServer
    http: httpx.AsyncClient
    sdk: AsyncOpenAI

    @property
    def sent(self) -> dict[str, Any]:
        """What the provider was last asked."""
        *_, last = (exchange for exchange in self.server.exchanges if exchange.body)  # others only open a connection
        found: dict[str, Any] = last.json
        return found


@asynccontextmanager
async def road(name: str = "openai-responses", *flags: str) -> AsyncGenerator[Road, None]:
    at = Road(name)
    async with UpstreamServer(at) as at.server:
        base = ("--llm_backend", "responses-api", "--responses_api_base_url", at.server.base_url, "--model_name", "m")
        model = build(load([*EMBEDDED, *base, *flags], {})).routes[0].engines.llm
        gateway = gateway_of(scripted_engines(llm=model), *base, *flags)
        async with served(gateway) as address, clients(address) as (at.http, at.sdk):
            yield at


@pytest.mark.parametrize("name", NAMES)
async def test_the_client_gets_the_bytes_of_the_server(name: str) -> None:
    async with road(name) as at:
        for store in (True, False):
            answer = await at.http.post("/v1/responses", json={"input": "Hi", "stream": True, "store": store})
            expected = fixture(name).replace(b"resp_01", b"resp_own%d" % at.count)
            assert answer.content == expected
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        whole = await at.http.post("/v1/responses", json={"input": "Hi"})
        assert whole.headers["content-type"] == "application/json"
        assert whole.json() == document(name) | {"id": whole.json()["id"]}


async def test_what_the_gateway_does_not_know_is_passed_on() -> None:
    body: dict[str, Any] = {
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_file", "file_id": "file-1"}, {"type": "input_text", "text": "?"}],
            },
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
            {"type": "custom_tool_call_output", "call_id": "c", "output": "x"},
        ],
        "tools": [{"type": "web_search"}, {"type": "mcp", "server_label": "x"}],
        "prompt": {"id": "pmpt_1"},
        "max_output_tokens": 3,
        "frobnicate": {"deep": [1, None]},
        "service_tier": "flex",
    }
    async with road() as at:
        answer = await at.http.post("/v1/responses?page=1", json=body)
        assert answer.status_code == 200
        assert at.sent == body | {"model": "m", "store": False}
        assert answer.headers["x-ignored-parameters"] == "page", "the body's fields are the server's"
        items = (await at.http.get(f"/v1/responses/{answer.json()['id']}/input_items?order=asc")).json()["data"]
        assert [item["type"] for item in items] == ["message", "web_search_call", "custom_tool_call_output"]
        assert items[1]["id"] == "ws_1"
        assert all(item["id"] for item in items)
        await at.sdk.responses.create(input="And?", previous_response_id=answer.json()["id"])
        assert at.sent["input"][:3] == [{"type": "message", **body["input"][0]}, *body["input"][1:]]


async def test_a_response_is_recorded_under_the_id_that_the_client_saw() -> None:
    async with road() as at:
        answer = await at.http.post("/v1/responses", json={"input": "Weather?", "stream": True})
        assert answer.headers["x-response-id"] == "resp_own1"
        kept = (await at.http.get("/v1/responses/resp_own1")).json()
        assert kept == document(at.name) | {"id": "resp_own1", "store": True, "conversation": None}
        (given,) = (await at.sdk.responses.input_items.list("resp_own1")).data
        assert given.content[0].text == "Weather?"  # type: ignore[union-attr,index]
        second = await at.sdk.responses.create(input="And now?", previous_response_id="resp_own1")
        assert at.sent["input"][0] == {"type": "message", "role": "user", "content": "Weather?"}
        assert at.sent["input"][1]["encrypted_content"] == "gAAAAABwhole"
        assert at.sent["input"][2]["content"][0]["text"] == SAID
        assert at.sent["input"][3] == {"role": "user", "content": "And now?"}
        assert not {"previous_response_id", "conversation"} & at.sent.keys()
        assert at.sent["store"] is False
        kept = (await at.http.get(f"/v1/responses/{second.id}")).json()
        assert kept["previous_response_id"] == "resp_own1"
        await at.sdk.responses.delete("resp_own1")
        body = {"input": "Hm", "previous_response_id": "resp_own1"}
        assert refused(await at.http.post("/v1/responses", json=body), 400)["code"] == "previous_response_not_found"


async def test_what_is_not_to_be_stored_is_not() -> None:
    async with road() as at:
        first = await at.sdk.responses.create(input="Hi")
        second = await at.sdk.responses.create(input="And?", previous_response_id=first.id, store=False)
        assert len(at.sent["input"]) == 4
        refused(await at.http.get(f"/v1/responses/{second.id}"), 404)
        third = await at.sdk.responses.create(input="And?", store=False)
        refused(await at.http.get(f"/v1/responses/{third.id}"), 404)


async def test_conversations_and_spoken_turns_go_on_with_it() -> None:
    async with road() as at:
        conversation = await at.sdk.conversations.create(items=[{"role": "user", "content": "I am Ann."}])
        response = await at.sdk.responses.create(input="Who?", conversation=conversation.id)
        assert [item.get("content") for item in at.sent["input"]] == ["I am Ann.", "Who?"]
        items = (await at.sdk.conversations.items.list(conversation.id, order="asc")).data
        assert [item.type for item in items] == ["message", "message", "reasoning", "message"]
        assert (await at.sdk.responses.retrieve(response.id)).conversation is not None
        spoken = await at.http.post(ROUTE, **form(question(), {"previous_response_id": response.id}))
        assert spoken.status_code == 200
        assert SAID in str(at.sent["input"])
        await at.sdk.responses.create(input="And?", previous_response_id=spoken.headers["x-response-id"])
        assert "what did you say" in str(at.sent["input"])


async def test_items_are_referred_to_by_their_ids() -> None:
    async with road() as at:
        first = await at.sdk.responses.create(input="Hi")
        reference: Any = {"type": "item_reference", "id": first.output[1].id}
        await at.sdk.responses.create(input=[{"role": "user", "content": "Hi"}, reference])
        assert at.sent["input"][1] == document(at.name)["output"][1]
        (given,) = (await at.sdk.responses.input_items.list(first.id)).data
        assert (await at.http.post("/v1/responses", json={"input": [{"id": given.id}]})).status_code == 200
        (sent,) = at.sent["input"]
        assert (sent["role"], sent["content"][0]["text"]) == ("user", "Hi")
        body = {"input": [{"type": "item_reference", "id": "msg_9"}]}
        assert (
            "Item with id 'msg_9' not found" in refused(await at.http.post("/v1/responses", json=body), 400)["message"]
        )


async def test_cancel_ends_the_stream_and_closes_the_server() -> None:
    async with road() as at:
        async with at.http.stream("POST", "/v1/responses", json={"input": "wait", "stream": True}) as answer:
            lines = answer.aiter_lines()
            name = answer.headers["x-response-id"]
            shown = await at.sdk.responses.retrieve(name)
            assert (shown.status, name) == ("in_progress", "resp_own1")
            read = [await anext(lines)]
            while read[-1] != "event: response.output_text.delta":
                read.append(await anext(lines))
            assert (cancelled := await at.sdk.responses.cancel(name)).status == "cancelled"
            assert len(cancelled.output) == 1
            assert at.server.open_streams == 0
            body = "\n".join([*read, *[line async for line in lines]])
        events = list(events_in(body))
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert (events[-1]["type"], events[-1]["response"]["status"]) == ("response.incomplete", "cancelled")
        assert_repeats_the_stream(events)
        kept = (await at.http.get(f"/v1/responses/{name}")).json()
        assert kept == events[-1]["response"] | {"store": True, "conversation": None}


def assert_repeats_the_stream(events: list[dict[str, Any]]) -> None:
    """The last event, which is the gateway's own, contradicts nothing that the server said before."""
    begun, ended = events[0]["response"], events[-1]["response"]
    changed = {name for name in begun.keys() | ended.keys() if begun.get(name) != ended.get(name)}
    assert changed <= {"status", "error", "output"}
    assert ended["output"] == [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert [item["id"] for item in ended["output"]] == ["rs_00"]


@pytest.mark.parametrize("asked", ["cut", "cut after a comment"])
async def test_a_server_that_hangs_up_in_the_middle_is_told_as_a_failure(asked: str) -> None:
    async with road() as at:
        answer = await at.http.post("/v1/responses", json={"input": asked, "stream": True})
        events = list(events_in(answer.text))
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert (events[-1]["type"], events[-1]["response"]["error"]["code"]) == ("response.failed", "server_error")
        assert_repeats_the_stream(events)
        kept = (await at.http.get("/v1/responses/resp_own1")).json()
        assert (kept["status"], len(kept["output"]), kept["store"]) == ("failed", 1, True)
        body = {"input": "Hm", "previous_response_id": "resp_own1"}
        refused(await at.http.post("/v1/responses", json=body), 400)


async def test_a_client_that_leaves_closes_the_server_and_nothing_is_kept() -> None:
    async with road() as at:
        async with at.http.stream("POST", "/v1/responses", json={"input": "wait", "stream": True}) as answer:
            assert at.server.open_streams == 1
            name = answer.headers["x-response-id"]
        await until(lambda: at.server.open_streams == 0)
        await until_gone(at, name)


async def until_gone(at: Road, name: str) -> None:
    """Wait until the response is not in progress any more, and was not kept."""
    while (answer := await at.http.get(f"/v1/responses/{name}")).status_code == 200:
        assert answer.json()["status"] == "in_progress"


@pytest.mark.parametrize("name", ["openai-responses-error", "openai-responses-failed"])
async def test_a_failure_before_content_has_a_status(name: str) -> None:
    async with road(name) as at:
        answer = await at.http.post("/v1/responses", json={"input": "Hi", "stream": True})
        assert answer.status_code >= 400
        assert answer.json()["error"]["message"]


async def test_what_is_wrong_is_named() -> None:
    async with road() as at:
        asked = len(at.server.exchanges)
        for body, param in (
            ({}, "input"),
            ({"input": 5}, "input"),
            ({"input": []}, "input"),
            ({"input": ["x"]}, "input[0]"),
            ({"input": "Hi", "stream": "yes"}, "stream"),
            ({"input": "Hi", "model": 5}, "model"),
            ({"input": "Hi", "reasoning": "much"}, "reasoning"),
            ({"input": "Hi", "include": "all"}, "include"),
            ({"input": "Hi", "background": True}, "background"),
            ({"input": "Hi", "conversation": "no id"}, "conversation"),
            ({"input": "Hi", "conversation": "c", "previous_response_id": "r"}, "previous_response_id"),
            ({"input": "Hi", "previous_response_id": "r"}, "previous_response_id"),
            ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input"),
        ):
            assert refused(await at.http.post("/v1/responses", json=body), 400)["param"] == param, body
        refused(await at.http.post("/v1/responses", json={"input": "Hi", "conversation": "c"}), 404)
        assert len(at.server.exchanges) == asked
