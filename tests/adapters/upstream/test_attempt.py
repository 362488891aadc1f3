"""One attempt at an answer, over a real socket: what servers send and do not send, and when they are given up."""

import asyncio
import gzip
import logging
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TooLong,
    Unavailable,
    UnknownModel,
    UpstreamError,
)
from tests.support.upstream_client import (
    END,
    KEY,
    NOTHING,
    ask,
    ask_once,
    call,
    failure,
    say,
    then,
    upstream,
)
from tests.support.upstream_server import Exchange, Script, UpstreamServer, in_order, replies, sse, streams


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (replies(401, {"error": {"message": f"bad key {KEY.reveal()}"}}), UpstreamError),
        (replies(401, b"<html>", "text/html"), UpstreamError),
        (
            replies(404, {"error": {"message": "No model `m`.", "code": "model_not_found"}}),
            UnknownModel,
        ),
        (replies(404, {"detail": "Not Found"}), UpstreamError),
        (replies(400, {"error": {"message": "no"}}), InvalidRequest),
        (replies(429, {"error": {"message": "slow"}}), Overloaded),
        (replies(500, {"error": {"message": "inner secret"}}), UpstreamError),
        (replies(503, b""), Unavailable),
        (replies(307, b"", location="http://127.0.0.1:1/?token=secret"), UpstreamError),
        (replies(200, b"<html>sign in, secret</html>", "text/html"), UpstreamError),
        (replies(200, b"\n<html>sign in, secret</html>", "application/json"), UpstreamError),
        (replies(200, {"id": "x"}), UpstreamError),
        (replies(200, {"error": {"message": "busy", "code": 503}}, "application/json; charset=utf-8"), Unavailable),
        (streams({"error": {"message": "busy", "code": 429}}), Overloaded),
        (streams(), UpstreamError),
        (then(NOTHING, cut=True), Unavailable),
        (then(say("a"), cut=True), UpstreamError),
        (streams(say("a")), UpstreamError),
    ],
)
async def test_every_failure_has_its_class_and_says_nothing_secret(script: Script, kind: type[AdapterError]) -> None:
    error = await failure(script)
    assert type(error) is kind
    assert kind is InvalidRequest or error.message.startswith("The upstream server ")
    assert error.message
    assert "secret" not in error.message
    assert KEY.reveal() not in error.message


async def test_the_retry_after_of_an_overloaded_server() -> None:
    assert (await failure(replies(429, {}, retry_after_ms="2500"))).retry_after == 2.5


async def test_a_connection_that_is_closed_without_an_answer() -> None:
    async def script(exchange: Exchange) -> None:
        exchange.cut()

    assert type(await failure(script)) is Unavailable


async def test_an_endless_error_body_is_read_in_part() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start(400, "application/json")
        while exchange.is_open:
            await exchange.send(b" " * 10_000)

    assert type(await failure(script)) is InvalidRequest


async def test_an_endless_event_is_refused() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        while exchange.is_open:
            await exchange.send(b"x" * 500_000)

    assert type(await failure(script)) is UpstreamError


@pytest.mark.parametrize("body", [b"x" * 9_000_000, b"<html>"])
async def test_a_whole_answer_must_be_json_of_limited_size(body: bytes) -> None:
    kind = "application/json" if len(body) > 100 else "text/html"
    async with UpstreamServer(replies(200, body, kind)) as server, aclosing(upstream(server)) as client:
        with pytest.raises(UpstreamError):
            await ask(client, stream=False)


@pytest.mark.parametrize("said", [[END], [END, "[DONE]"]])
async def test_a_complete_answer_is_finished_although_the_server_keeps_the_stream_open(
    said: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.upstream.timed_response._END_SECONDS", 0.02)
    assert await ask_once(then(say("a"), *said)) == ["a"]


async def test_a_complete_answer_is_finished_although_the_connection_is_closed() -> None:
    assert await ask_once(then(say("a"), END, cut=True)) == ["a"]


@pytest.mark.parametrize("marker", ["[DONE]", "[DONE] ", "  [DONE]\t", '"[DONE]"'])
@pytest.mark.parametrize("end", ["\n\n", "\n", "", "\r\n\r\n"])
async def test_done_completes_an_answer_without_a_finish_reason(
    marker: str, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(say("a"))
        await exchange.send(f"data:{marker}{end}".encode())
        await exchange.finish()

    with caplog.at_level(logging.INFO, logger="adapters"):
        assert await ask_once(script) == ["a"]
    [record] = caplog.records
    assert "[DONE] and no finish reason" in record.getMessage()


async def test_done_after_a_finish_reason_is_the_usual_end(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="adapters"):
        assert await ask_once(streams(say("a"), END, "[DONE]")) == ["a"]
    assert not caplog.records


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "text/plain; charset=utf-8",
        "text/html",
        "application/octet-stream",
        "application/x-ndjson",
        "",
    ],
)
async def test_the_content_type_of_a_stream_does_not_matter(content_type: str) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start(content_type=content_type)
        await exchange.send(b"\n\n")
        await exchange.events(say("a"), END)
        await exchange.finish()

    for stream in (True, False):
        async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
            assert await ask(client, stream=stream) == ["a"]


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "text/plain", ""])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_whole_answer_is_read_whatever_was_asked_for(content_type: str, stream: bool) -> None:
    whole = b"\xef\xbb\xbf\n " + msgspec.json.encode([say("a"), END])
    async with UpstreamServer(replies(200, whole, content_type)) as server, aclosing(upstream(server)) as client:
        assert await ask(client, stream=stream) == ["a"]


async def test_a_page_is_named_by_its_type() -> None:
    error = await failure(replies(200, b"<!doctype html>", "text/html\u202e"))
    assert error.message.startswith("The upstream server answered with 'text/html")
    assert error.message.isprintable()


async def test_a_redirect_says_where_it_points() -> None:
    error = await failure(replies(308, b"", location="https://user:pw@other.example/v1/x?token=1"))
    assert error.message.startswith(
        "The upstream server redirects to https://other.example/v1/x (status 308): set --responses_api_base_url"
    )


async def test_plain_text_is_the_message_of_an_error() -> None:
    error = await failure(replies(400, b"prompt is too long: \xff", "text/plain"))
    assert (type(error), error.message) == (
        TooLong,
        "prompt is too long: \ufffd",
    )


async def test_the_servers_words_lose_their_control_characters() -> None:
    evil = "a\nFORGED \x1b[31mline\x00\x7f\x85\u2028\u202e\r\tb"
    body = {"error": {"message": evil, "param": evil, "code": evil, "type": evil}}
    for script in (replies(400, body), streams({"error": body["error"] | {"type": "invalid_request_error"}})):
        error = await failure(script)
        assert isinstance(error, InvalidRequest)
        clean = "a FORGED [31mline b"
        assert error.message == clean
        assert (error.param, error.code) == (clean, clean)


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("body", [b'{"error": "\xff"}', b"[" * 20_000, rb'{"error": {"message": "\ud83d"}}', b"\x00"])
async def test_error_bodies_that_are_not_quite_json(status: int, body: bytes) -> None:
    assert type(await failure(replies(status, body))) is (InvalidRequest if status == 400 else UpstreamError)


async def test_an_error_body_that_is_compressed_twice_is_not_read() -> None:
    packed = gzip.compress(gzip.compress(b'{"error": {"code": "context_length_exceeded"}}'))
    assert type(await failure(replies(400, packed, content_encoding="gzip, gzip"))) is InvalidRequest


async def test_an_answer_that_is_compressed_twice_is_refused() -> None:
    packed = gzip.compress(gzip.compress(sse(say("a")) + sse(END)))
    for content_type in ("text/event-stream", "application/json"):
        error = await failure(replies(200, packed, content_type, content_encoding="gzip, gzip"))
        assert type(error) is UpstreamError
        assert "'gzip, gzip', which was not requested" in error.message


@pytest.mark.parametrize("stream", [True, False])
async def test_what_decompresses_to_too_much_is_refused(stream: bool) -> None:
    bomb = gzip.compress((b"[" if not stream else b"data: ") + b" " * 40_000_000)
    async with (
        UpstreamServer(replies(200, bomb, content_encoding="gzip")) as server,
        aclosing(upstream(server)) as client,
    ):
        with pytest.raises(UpstreamError, match="too large"):
            await ask(client, stream=stream)


async def test_all_events_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.upstream.timed_response._MAX_STREAM_BYTES", 100_000)

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        while exchange.is_open:
            await exchange.send(sse(say("a")) * 100)

    error = await failure(script)
    assert (type(error), "too large" in error.message) == (UpstreamError, True)


async def test_the_connection_of_a_complete_answer_is_reused() -> None:
    script = in_order(
        [streams(say("1"), END, "[DONE]"), streams(say("2"), END), replies(200, [say("3"), END]), streams(END)]
    )
    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        assert [await ask(client), await ask(client), await ask(client, stream=False), await ask(client)] == [
            ["1"],
            ["2"],
            ["3"],
            [],
        ]
        assert server.connections == 1


async def test_bytes_split_anywhere_give_the_same_events() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        for byte in b": ping\r\n\r\n" + sse(say("é🎉")) + sse(END).rstrip():
            await exchange.send(bytes([byte]))
        await exchange.finish()

    assert await ask_once(script) == ["é🎉"]


async def test_an_answer_that_is_compressed_although_not_requested_is_decompressed() -> None:
    packed = gzip.compress(sse(say("a")) + sse(END))
    assert await ask_once(replies(200, packed, "text/event-stream", content_encoding="gzip")) == ["a"]


async def test_the_events_before_a_failure_come_before_it() -> None:
    script = streams(say("a"), say("b"), {"error": {"message": "down", "code": 503}})
    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        async with aclosing(client.stream(call(client))) as stream:
            assert [await anext(stream) for _ in range(3)][1:] == [llm.TextDelta(text="a"), llm.TextDelta(text="b")]
            with pytest.raises(Unavailable):
                await anext(stream)
        assert len(server.exchanges) == 1  # what was said cannot be unsaid


@pytest.mark.parametrize("events", [None, [], [NOTHING], [say("a")]])
async def test_cancelling_closes_the_socket_at_once_at_any_stage(events: list[Any] | None) -> None:
    asked = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if events is not None:
            await exchange.start()
            await exchange.events(*events)
        asked.set()
        await exchange.until_left()

    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        before = asyncio.all_tasks()
        reader = asyncio.create_task(ask(client))
        await asked.wait()
        for _ in range(10):  # let the reader get as far as it can
            await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert server.open_streams == 0
        assert asyncio.all_tasks() - before <= server.handlers
