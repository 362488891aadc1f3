"""The straight road over real sockets: what a client sees through it is what it sees without a gateway."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from adapters.llm.chat_completions.adapter import ChatCompletions
from adapters.llm.responses.adapter import Responses
from adapters.options import Secret
from adapters.upstream import UpstreamOptions
from gateway.engines.fallback import Choice, FallbackModel
from tests.support.server import gateway_of, scripted_engines, served, until
from tests.support.upstream_server import Exchange, Script, UpstreamServer, in_order, replies, sse, streams

STREAMS = {
    path.stem: path.read_bytes() for path in (Path(__file__).parents[2] / "fixtures" / "providers").glob("*.sse")
}
BEFORE_CONTENT = {"openai-responses-error", "openai-responses-failed"}
"""Streams that fail before content: these become a real status, or are asked again."""

KEY = "sk-of-the-gateway-itself"
ENGINES: dict[str, Any] = {"chat": ChatCompletions, "responses": Responses}


def serving(script: Script) -> UpstreamServer:
    """A server that answers questions with ``script``; that it is asked for its models too is of no interest."""

    async def answer(exchange: Exchange) -> None:
        await (script if exchange.method == "POST" else replies(200, {"data": []}))(exchange)

    return UpstreamServer(answer)


def questions(server: UpstreamServer) -> list[Exchange]:
    return [exchange for exchange in server.exchanges if exchange.method == "POST"]


def word(text: str, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], **more}


END = {"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {"id": "c1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
ANSWER = (word("It "), word("is."), END, USAGE, "[DONE]")
QUESTION = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "How warm is it?"}]}


def completed(response_id: str, text: str) -> dict[str, Any]:
    said = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [said]}
    return {"id": response_id, "object": "response", "status": "completed", "output": [item]}


def respond(response_id: str, text: str) -> Script:
    return streams(
        {"type": "response.created", "response": {"id": response_id, "status": "in_progress"}},
        {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": text},
        {"type": "response.completed", "response": completed(response_id, text)},
    )


def pieces(data: bytes, size: int) -> Script:
    """A script that sends ``data`` as an event stream, ``size`` bytes at a time."""

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        for start in range(0, len(data), size):
            await exchange.send(data[start : start + size])
        await exchange.finish()

    return script


def model(server: UpstreamServer, kind: str = "chat", **options: Any) -> Any:
    given: dict[str, Any] = {"responses_api_max_retries": 0, "responses_api_api_key": Secret(KEY), **options}
    return ENGINES[kind](UpstreamOptions(responses_api_base_url=server.base_url, **given))


@asynccontextmanager
async def road(llm: Any, *flags: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of a gateway whose model is ``llm``."""
    gateway = gateway_of(scripted_engines(llm=llm), *flags)
    async with served(gateway) as address, httpx.AsyncClient(base_url=address) as client:
        yield client


async def seen(base_url: str, kind: str) -> list[Any]:
    """What the openai package sees of a stream: its events, and its error."""
    found: list[Any] = []
    async with openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        try:
            if kind == "responses":
                async for event in await client.responses.create(model="m", input="Hi", stream=True, store=False):
                    found.append(event.to_dict(warnings=False))
            else:
                async for chunk in await client.chat.completions.create(
                    model="m",
                    messages=[{"role": "user", "content": "Hi"}],
                    stream=True,
                    stream_options={"include_usage": True},
                ):
                    found.append(chunk.to_dict(warnings=False))
        except openai.APIError as error:
            found.append((type(error), error.message, error.body))
    return found


@pytest.mark.parametrize("name", sorted(STREAMS))
async def test_the_sdk_sees_what_it_sees_without_a_gateway(name: str) -> None:
    kind = "responses" if "responses" in name else "chat"
    async with serving(pieces(STREAMS[name], 117)) as server, road(model(server, kind)) as client:
        direct = await seen(server.base_url, kind)
        through = await seen(f"{client.base_url}/v1", kind)
    if name in BEFORE_CONTENT:
        assert [type_ for type_, *_ in through] in ([openai.InternalServerError], [openai.RateLimitError])
    else:
        assert through == direct


@pytest.mark.parametrize("name", sorted(set(STREAMS) - BEFORE_CONTENT))
@pytest.mark.parametrize("size", [50, 100_000])
async def test_the_stream_is_passed_on_byte_for_byte(name: str, size: int) -> None:
    kind, path, asked = ("chat", "chat/completions", QUESTION | {"stream_options": {"include_usage": True}})
    if "responses" in name:
        kind, path, asked = ("responses", "responses", {"model": "any", "stream": True, "store": False, "input": "Hi"})
    async with serving(pieces(STREAMS[name], size)) as server, road(model(server, kind)) as client:
        answer = await client.post(f"/v1/{path}", json=asked)
    assert answer.content.startswith(STREAMS[name].rstrip(b"\n"))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"


async def test_the_request_reaches_the_server_as_it_was_but_for_model_key_and_usage() -> None:
    asked = QUESTION | {"top_k": 3, "temperature": None, "metadata": {"a": "b"}, "store": True}
    async with serving(streams(*ANSWER)) as server:
        llm = model(server, responses_api_temperature=0.5, responses_api_extra_body={"user": "us"})
        async with road(llm, "--model_name", "theirs", "--init_chat_prompt", "Be brief.") as client:
            await client.post("/v1/chat/completions", json=asked)
        exchange = questions(server)[-1]
    assert exchange.headers["authorization"] == f"Bearer {KEY}"
    assert exchange.json == {
        "model": "theirs",
        "stream": True,
        "messages": QUESTION["messages"],
        "top_k": 3,
        "temperature": 0.5,
        "store": False,
        "stream_options": {"include_usage": True},
        "user": "us",
    }


@pytest.mark.parametrize("wanted", [None, {"include_usage": False}, {"include_usage": True}])
async def test_a_usage_that_was_not_asked_for_is_withheld(wanted: dict[str, bool] | None) -> None:
    asked = QUESTION | ({"stream_options": wanted} if wanted else {})
    async with serving(streams(*ANSWER)) as server, road(model(server)) as client:
        body = (await client.post("/v1/chat/completions", json=asked)).content
    usage = sse(USAGE) if wanted == {"include_usage": True} else b""
    assert body == b"".join(map(sse, ANSWER[:3])) + usage + sse("[DONE]")


async def test_a_usage_that_was_asked_for_is_waited_for_and_nothing_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.upstream.timed_response._END_SECONDS", 0.02)
    monkeypatch.setattr("adapters.upstream.timed_response._WANTED_SECONDS", 1_000)

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(*ANSWER[:3])
        await asyncio.sleep(0.2)
        await exchange.events(USAGE)
        await exchange.until_left()

    asked = QUESTION | {"stream_options": {"include_usage": True}}
    async with serving(script) as server, road(model(server)) as client:
        body = (await client.post("/v1/chat/completions", json=asked)).content
    assert body == b"".join(map(sse, ANSWER))


async def test_an_answer_whose_end_comes_too_late_is_ended_as_clients_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.upstream.timed_response._END_SECONDS", 0.02)

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(*ANSWER[:3])
        await exchange.send(sse(USAGE)[:30])
        await exchange.until_left()

    async with serving(script) as server, road(model(server)) as client:
        body = (await client.post("/v1/chat/completions", json=QUESTION)).content
    assert body == b"".join(map(sse, (*ANSWER[:3], "[DONE]")))


async def test_a_stream_of_another_kind_of_lines_is_the_same_to_the_last_byte() -> None:
    whole = b"".join(map(sse, ANSWER)).replace(b"\n", b"\r\n")

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        for byte in whole:
            await exchange.send(bytes([byte]))
        await exchange.finish()

    async with serving(script) as server, road(model(server)) as client:
        asked = QUESTION | {"stream_options": {"include_usage": True}}
        assert (await client.post("/v1/chat/completions", json=asked)).content == whole


async def test_a_model_that_thinks_in_silence_is_waited_for() -> None:
    thinks = {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1"}}

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events({"type": "response.created", "response": {"id": "resp_1"}}, thinks)
        await asyncio.sleep(0.2)
        await exchange.events({"type": "response.completed", "response": completed("resp_1", "It is.")})
        await exchange.finish()

    async with serving(script) as server, road(model(server, "responses", responses_api_gap_timeout=0.05)) as client:
        body = (await client.post("/v1/responses", json={"input": "Hi", "stream": True, "store": False})).text
    assert "response.completed" in body
    assert "gap_timeout" not in body


async def test_a_document_is_passed_on_as_it_is() -> None:
    document = b'{"id": "c1",  "choices": [{"message": {"content": "Hi", "odd": 1}, "finish_reason": "stop"}]}'
    asked = QUESTION | {"stream": False}
    async with serving(replies(200, document)) as server, road(model(server)) as client:
        answer = await client.post("/v1/chat/completions", json=asked)
    assert (answer.content, answer.headers["content-type"]) == (document, "application/json")


BUSY = replies(503, {"error": {"message": "busy"}})
FAILED_EARLY = streams({"error": {"message": "no", "code": 503}})
ENDED_EARLY = streams({"id": "c1", "choices": [{"delta": {"role": "assistant", "content": ""}}]})


@pytest.mark.parametrize("failing", [BUSY, FAILED_EARLY], ids=["a status", "an error in the stream"])
async def test_what_fails_before_content_is_asked_again(failing: Script) -> None:
    async with serving(in_order([failing, streams(*ANSWER)])) as server:
        async with road(model(server, responses_api_max_retries=1)) as client:
            answer = await client.post("/v1/chat/completions", json=QUESTION)
    assert answer.content == b"".join(map(sse, (*ANSWER[:3], "[DONE]")))


@pytest.mark.parametrize("failing", [BUSY, FAILED_EARLY, ENDED_EARLY], ids=["a status", "an error", "an early end"])
async def test_another_model_of_the_same_protocol_answers_in_its_place(failing: Script) -> None:
    async with serving(failing) as server, serving(streams(*ANSWER)) as other:
        choices = [
            Choice(route="one", model="m1", engine=model(server)),
            Choice(route="silent", model="m2", engine=model(server, "responses")),
            Choice(route="two", model="m3", engine=model(other)),
        ]
        async with road(FallbackModel(choices)) as client:
            answer = await client.post("/v1/chat/completions", json=QUESTION)
        assert [exchange.path for exchange in questions(server)] == ["/v1/chat/completions"]
        assert [exchange.json["model"] for exchange in questions(other)] == ["m3"]
    assert answer.content == b"".join(map(sse, (*ANSWER[:3], "[DONE]")))


async def test_a_refusal_has_its_status() -> None:
    refusal = replies(400, {"error": {"message": "bad temperature", "param": "temperature", "code": "x"}})
    async with serving(refusal) as server, road(model(server)) as client:
        answer = await client.post("/v1/chat/completions", json=QUESTION)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "temperature")


@pytest.mark.parametrize("rest", [b"", b'data: {"id": "c1", "cho'])
async def test_a_stream_that_is_cut_ends_in_an_error(rest: bytes) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.send(sse(word("It ")) + rest)
        exchange.cut()

    async with serving(script) as server, road(model(server)) as client:
        body = (await client.post("/v1/chat/completions", json=QUESTION)).content
    first, error = body.split(b"\n\n")[:2]
    assert first + b"\n\n" == sse(word("It "))
    assert b"cut the connection in the middle" in error


async def test_a_server_that_stops_in_the_middle_is_given_up() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(word("It "))
        await exchange.until_left()

    async with serving(script) as server, road(model(server, responses_api_gap_timeout=0.05)) as client:
        body = (await client.post("/v1/chat/completions", json=QUESTION)).text
        assert "gap_timeout" in body
        await until(lambda: server.open_streams == 0)


async def test_a_client_that_leaves_ends_the_answer() -> None:
    left = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(word("It "))
        await exchange.until_left()
        left.set()

    async with serving(script) as server, road(model(server)) as client:
        async with client.stream("POST", "/v1/chat/completions", json=QUESTION) as answer:
            await anext(answer.aiter_bytes())
            assert not left.is_set()
        async with asyncio.timeout(5):
            await left.wait()


async def test_an_answer_has_a_limit() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        while exchange.is_open:
            await exchange.events(word("x" * 500))

    async with serving(script) as server:
        async with road(model(server), "--max_answer_characters", "3") as client:
            body = (await client.post("/v1/chat/completions", json=QUESTION)).text
    assert "--max_answer_characters" in body.rpartition("data:")[2]


async def test_our_key_is_never_passed_on() -> None:
    async with serving(streams(word(f"key {KEY}!"), *ANSWER)) as server, road(model(server)) as client:
        body = (await client.post("/v1/chat/completions", json=QUESTION)).content
    assert body.startswith(sse(word("key ***!")))


async def test_a_short_key_does_not_spoil_answers() -> None:
    async with serving(streams(*ANSWER)) as server:
        async with road(model(server, responses_api_api_key=Secret("is"))) as client:
            body = (await client.post("/v1/chat/completions", json=QUESTION)).text
    assert '"is."' in body


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_response_is_kept_under_the_id_that_the_client_saw(streamed: bool) -> None:
    def script(response_id: str, text: str) -> Script:
        return respond(response_id, text) if streamed else replies(200, completed(response_id, text))

    asked = {"model": "any", "stream": streamed}
    async with serving(in_order([script("resp_a", "Warm."), script("resp_b", "Yes.")])) as server:
        async with road(model(server, "responses")) as client:
            first = await client.post("/v1/responses", json=asked | {"input": "How is it?"})
            again = {"input": "Really?", "previous_response_id": "resp_a", "store": False}
            second = await client.post("/v1/responses", json=asked | again)
            unknown = await client.post("/v1/responses", json=asked | again | {"previous_response_id": "resp_b"})
        sent = [exchange.json for exchange in questions(server)]
    assert (first.headers["x-response-id"], second.headers["x-response-id"]) == ("resp_a", "resp_b")
    assert [item["role"] for item in sent[1]["input"]] == ["user", "assistant", "user"]
    assert "previous_response_id" not in sent[1]
    assert [body["store"] for body in sent] == [False, False]
    assert unknown.status_code == 400, "what is not stored cannot be continued"


async def test_a_response_can_be_continued_as_soon_as_its_end_is_seen() -> None:
    script = in_order([respond("resp_a", "Warm."), respond("resp_b", "Yes.")])
    async with serving(script) as server, road(model(server, "responses")) as client:
        asked = {"model": "any", "stream": True, "input": "How is it?"}
        async with client.stream("POST", "/v1/responses", json=asked) as answer:
            async for line in answer.aiter_lines():
                if "response.completed" in line:
                    more = await client.post("/v1/responses", json=asked | {"previous_response_id": "resp_a"})
                    assert more.status_code == 200
