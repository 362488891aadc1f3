"""One question to a server: it goes out once, and every way to fail has words of its own."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from adapters.options import Secret
from adapters.upstream.client import UpstreamClient
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.pool import ClientPool
from adapters.upstream.probe.request import ProbeClient, ProbeResult
from tests.support.upstream_server import Exchange, Script, UpstreamServer, hold, replies, streams

KEY = "test-key-123456"
BODY = {"model": "m", "stream": True}


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"delta": fields}]}


STOP = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


async def asked(base_url: str, body: dict[str, Any] = BODY, seconds: float = 20.0) -> ProbeResult:
    pool = ClientPool.acquire()
    try:
        options = UpstreamOptions(responses_api_base_url=base_url, responses_api_api_key=Secret(KEY))
        return await ProbeClient(options, pool, seconds).answer("/x", body)
    finally:
        await pool.release()


async def answered(script: Script, body: dict[str, Any] = BODY) -> ProbeResult:
    async with UpstreamServer(script) as server:
        answer = await asked(server.base_url, body)
        assert len(server.exchanges) == 1
        assert server.open_streams == 0
    assert answer.reached
    return answer


async def test_a_stream() -> None:
    answer = await answered(streams(delta(content="1"), delta(content=", 2"), STOP, "[DONE]"))
    assert (answer.failure, answer.status, answer.whole, answer.pieces) == (None, 200, False, 2)
    assert answer.first_seconds is not None


async def test_it_introduces_itself_as_the_client_does() -> None:
    async with UpstreamServer(streams(STOP)) as server:
        await asked(server.base_url)
        await asked(server.base_url.replace("http://", "http://user:p%40ss@"))
        client = UpstreamClient("x", UpstreamOptions(responses_api_base_url=server.base_url))
        async with aclosing(client):
            await client.warm_up()
        sent = [exchange.headers for exchange in server.exchanges]
    assert len({headers["user-agent"] for headers in sent}) == 1
    assert {headers["accept-encoding"] for headers in sent} == {"identity"}
    assert [headers.get("authorization") for headers in sent] == [f"Bearer {KEY}", "Basic dXNlcjpwQHNz", None]


async def test_a_stream_without_content() -> None:
    answer = await answered(streams(STOP))
    assert (answer.failure, answer.pieces, answer.first_seconds) == (None, 0, None)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_in_one_piece(stream: bool) -> None:
    body = {"choices": [{"message": {"content": "1, 2"}, "finish_reason": "stop"}]}
    answer = await answered(replies(200, body), BODY | {"stream": stream})
    assert (answer.failure, answer.whole, answer.pieces) == (None, True, 1)


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        (replies(400, {"error": {"message": "no"}}), "400 refused"),
        (replies(401, {"error": {"message": f"bad key {KEY}"}}), "401 key refused"),
        (replies(403, b"<html>", "text/html"), "403 access refused"),
        (replies(404, {"detail": "Not Found"}), "404 not found"),
        (replies(404, {"error": {"message": "The model `m` does not exist"}}), "404 no such model"),
        (replies(400, {"error": {"message": "m?", "code": "model_not_found"}}), "400 no such model"),
        (replies(405, {"detail": "Method Not Allowed"}), "405 no such endpoint"),
        (replies(429, {"error": {"message": "slow", "code": "rate_limit_exceeded"}}), "429 too many requests"),
        (replies(429, {"error": {"message": "pay", "code": "insufficient_quota"}}), "429 no quota left"),
        (replies(503, b""), "503 server failed"),
        (replies(307, b"", location="http://127.0.0.1:9/x?y"), "307 redirected to http://127.0.0.1:9/x"),
        (replies(200, b"<html>", "text/html"), "no JSON"),
        (replies(200, b"[1]"), "cannot be read"),
        (replies(200, b'{"choices": [' + b"[" * 20_000), "cannot be read"),
        (replies(400, b'{"error": "\xff\xfe"'), "400 refused"),
        (replies(200, {"error": {"message": "no"}}), "error in the answer"),
        (streams("no json"), "cannot be read"),
        (streams(delta(content="1"), {"error": {"message": "no"}}), "error in the answer"),
        (streams({"type": "response.failed", "response": {"status": "failed"}}), "error in the answer"),
        (streams({"type": "error", "message": "no"}), "error in the answer"),
        (streams(delta(content="1")), "cut off"),
        (streams({"type": "response.output_text.delta", "delta": "1"}), "cut off"),
    ],
)
async def test_a_failure_in_our_own_words(script: Script, failure: str) -> None:
    assert (await answered(script)).failure == failure


async def test_a_connection_cut_in_the_middle() -> None:
    async def cut(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(delta(content="1"))
        exchange.cut()

    assert (await answered(cut)).failure == "cut off"


async def test_an_answer_that_is_complete_is_not_waited_for() -> None:
    """Some servers leave the stream open behind the last chunk."""

    async def lingering(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(delta(content="1"), STOP)
        await exchange.until_left()

    assert (await answered(lingering)).failure is None


async def test_an_answer_that_never_starts() -> None:
    async with UpstreamServer(hold) as server:
        answer = await asked(server.base_url, seconds=0.1)
        assert server.open_streams == 0
    assert (answer.failure, answer.reached) == ("timeout", False)


async def test_servers_that_cannot_be_reached() -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no TLS here\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reasons = {f"https://127.0.0.1:{port}": "TLS failed", "http://nowhere.invalid/v1": "no such host"}
        for url, failure in reasons.items():
            answer = await asked(url)
            assert (answer.failure, answer.reached, answer.status) == (failure, False, None)
    assert (await asked(f"http://127.0.0.1:{port}")).failure == "cannot be reached"


async def test_what_is_sent() -> None:
    async with UpstreamServer(streams(STOP)) as server:
        await asked(server.base_url + "/")
        (exchange,) = server.exchanges
    assert (exchange.method, exchange.path, exchange.json) == ("POST", "/v1/x", BODY)
    assert exchange.headers["authorization"] == f"Bearer {KEY}"
    assert exchange.headers["accept"] == "text/event-stream"
