"""One attempt at an answer, over a real socket: what servers send and do not send, and when they are given up."""

import asyncio
import gzip
import socket
from contextlib import aclosing
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TimedOut,
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
    server_tls,
    then,
    upstream,
)
from tests.support.upstream_server import Exchange, Script, UpstreamServer, hold, of, replies, sse, streams


async def unreachable(base_url: str) -> AdapterError:
    async with aclosing(upstream(base_url, max_retries=0)) as client:
        with pytest.raises(AdapterError) as caught:
            await ask(client)
    return caught.value


async def test_a_host_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = await unreachable(f"http://127.0.0.1:{port}/v1")
    assert (type(error), error.message) == (Unavailable, "The upstream server cannot be reached.")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid"])
async def test_a_host_name_that_nobody_knows(host: str) -> None:
    error = await unreachable(f"http://{host}/v1")
    assert type(error) is Unavailable
    assert "cannot be resolved" in error.message or len(host) > 63


async def test_a_certificate_that_nobody_trusts() -> None:
    async with UpstreamServer(tls=server_tls()) as server:
        error = await unreachable(server.base_url)
    assert (type(error), "certificate" in error.message) == (UpstreamError, True)


async def test_a_server_without_tls() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        error = await unreachable(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    assert (type(error), "TLS" in error.message) == (UpstreamError, True)


async def test_a_server_that_accepts_nothing_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> socket.socket:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("adapters.upstream.transport._connected_socket", never)
    error = await failure(hold, connect_timeout=0.01)
    assert (type(error), "0.01 seconds (--responses_api_connect_timeout)" in error.message) == (TimedOut, True)


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
        (replies(307, b"", location="http://127.0.0.1:1/"), UpstreamError),
        (replies(200, b"<html>sign in</html>", "text/html"), UpstreamError),
        (replies(200, {"id": "x"}), UpstreamError),
        (replies(200, {"error": {"message": "busy", "code": 503}}, "application/json; charset=utf-8"), Unavailable),
        (streams({"error": {"message": "busy", "code": 429}}), Overloaded),
        (streams(NOTHING, "[DONE]"), UpstreamError),
        (streams(), UpstreamError),
        (then(NOTHING, cut=True), Unavailable),
        (then(say("a"), cut=True), UpstreamError),
        (streams(say("a")), UpstreamError),
    ],
)
async def test_every_failure_has_its_class_and_says_nothing_secret(script: Script, kind: type[AdapterError]) -> None:
    error = await failure(script)
    assert type(error) is kind
    assert error.message.startswith("The upstream server ")
    assert "secret" not in error.message
    assert KEY.reveal() not in error.message


async def test_an_overloaded_server_says_when_to_come_back() -> None:
    assert (await failure(replies(429, {}, retry_after_ms="2500"))).retry_after == 2.5


async def test_a_connection_that_is_dropped_without_an_answer() -> None:
    async def script(exchange: Exchange) -> None:
        exchange.cut()

    assert type(await failure(script)) is Unavailable


async def test_an_error_body_without_end_is_read_in_part() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start(400, "application/json")
        while exchange.is_open:
            await exchange.send(b" " * 10_000)

    assert type(await failure(script)) is InvalidRequest


async def test_an_event_without_end_is_refused() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        while exchange.is_open:
            await exchange.send(b"x" * 500_000)

    assert type(await failure(script)) is UpstreamError


@pytest.mark.parametrize("body", [b"x" * 9_000_000, b"<html>"])
async def test_a_whole_answer_must_be_json_of_some_size(body: bytes) -> None:
    kind = "application/json" if len(body) > 100 else "text/html"
    async with UpstreamServer(replies(200, body, kind)) as server, aclosing(upstream(server)) as client:
        with pytest.raises(UpstreamError):
            await ask(client, stream=False)


@pytest.mark.parametrize("said", [[END], [END, "[DONE]"]])
async def test_an_answer_that_is_complete_is_finished_though_the_server_does_not_end_it(
    said: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.upstream.attempt._END_SECONDS", 0.02)
    assert await ask_once(then(say("a"), *said)) == ["a"]


async def test_an_answer_that_is_complete_is_finished_though_the_connection_is_dropped() -> None:
    assert await ask_once(then(say("a"), END, cut=True)) == ["a"]


async def test_what_comes_after_done_is_not_read() -> None:
    assert await ask_once(streams(say("a"), END, "[DONE]")) == ["a"]


async def test_a_complete_answer_leaves_its_connection_for_the_next() -> None:
    script = of([streams(say("1"), END, "[DONE]"), streams(say("2"), END), replies(200, [say("3"), END]), streams(END)])
    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        assert [await ask(client), await ask(client), await ask(client, stream=False), await ask(client)] == [
            ["1"],
            ["2"],
            ["3"],
            [],
        ]
        assert server.connections == 1


async def test_bytes_cut_anywhere_are_the_same_events() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        for byte in b": ping\r\n\r\n" + sse(say("é🎉")) + sse(END).rstrip():
            await exchange.send(bytes([byte]))
        await exchange.finish()

    assert await ask_once(script) == ["é🎉"]


async def test_an_answer_that_was_packed_although_nobody_asked_is_unpacked() -> None:
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
async def test_leaving_closes_the_socket_at_once_however_far_the_answer_is(events: list[Any] | None) -> None:
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
