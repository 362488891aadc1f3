"""How long a connection may take and how many there may be, over sockets; nothing is waited for in vain."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest

from gateway.server import limits
from gateway.server.request_parser import RequestHead
from gateway.settings.load import load
from tests.support.http_client import ROUTE
from tests.support.raw_client import HEALTHY, RawConnection, request
from tests.support.server import gateway_of, question, scripted_engines, served, serving, until

HEALTH = request("GET", "/health")
HALF_A_BODY = request("POST", ROUTE, "content-type: audio/wav", "content-length: 100000") + b"RIFF"


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is as long as a test may wait for the sweep; no limit is longer."""
    for name in ("IDLE_SECONDS", "HEAD_SECONDS", "BODY_SECONDS", "LINGER_SECONDS", "FLUSH_SECONDS"):
        monkeypatch.setattr(limits, name, 0.2)


async def test_a_client_that_says_nothing_is_left() -> None:
    async with served(gateway_of(scripted_engines())) as address:
        assert await (await RawConnection.open(address)).rest() == b""


async def test_a_connection_that_is_not_used_again_is_closed() -> None:
    async with served(gateway_of(scripted_engines())) as address:
        answer = await (await RawConnection.open(address, HEALTH)).last_answer()
        assert answer.body == HEALTHY


def test_clients_and_proxies_let_go_of_idle_connections_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert limits.IDLE_SECONDS > 60, "nginx and most pools keep them for a minute"


@pytest.mark.parametrize("piece", [b"GET /hea", b"GET /health HTTP/1.1\r\nx: y\r\n"], ids=["target", "headers"])
async def test_a_head_that_does_not_end_is_refused(piece: bytes) -> None:
    async with served(gateway_of(scripted_engines())) as address:
        answer = await (await RawConnection.open(address, piece)).last_answer()
    assert answer.status == 408
    assert json.loads(answer.body)["error"]["code"] == "request_timeout"


async def dripping(connection: RawConnection, piece: bytes) -> bytes:
    """What the server says of a client that sends ``piece`` again and again, far below any limit on silence."""

    async def drip() -> None:
        with suppress(ConnectionError):
            while True:
                await connection.send(piece)
                await asyncio.sleep(0.02)

    dripped = asyncio.create_task(drip())
    try:
        with suppress(ConnectionError):  # a drop that crosses the end of the connection
            return await connection.reader.read()
        return b""
    finally:
        dripped.cancel()
        await connection.close()


async def test_a_head_that_drips_is_refused() -> None:
    async with served(gateway_of(scripted_engines())) as address:
        assert b" 408 " in await dripping(await RawConnection.open(address, b"GET /health HTTP/1.1\r\n"), b"x: y\r\n")


async def test_blank_lines_are_no_request() -> None:
    async with served(gateway_of(scripted_engines())) as address:
        assert await dripping(await RawConnection.open(address), b"\r\n") == b""


@pytest.mark.parametrize("content_type", ["audio/wav", "application/json", "multipart/form-data; boundary=edge"])
async def test_a_body_that_drips_gives_its_place_back(content_type: str) -> None:
    gateway = gateway_of(scripted_engines(), "--max_requests", "1")
    start = request("POST", ROUTE, f"content-type: {content_type}", "content-length: 100000")
    async with served(gateway) as address:
        assert b" 408 " in await dripping(await RawConnection.open(address, start), b"-")
        asked = request("POST", ROUTE, "content-type: audio/wav", "connection: close", body=question())
        assert (await (await RawConnection.open(address, asked)).last_answer()).status == 200


async def test_a_body_may_take_long_at_a_good_pace() -> None:
    recording = question()
    async with served(gateway_of(scripted_engines())) as address:
        connection = await RawConnection.open(
            address,
            request("POST", ROUTE, "content-type: audio/wav", "connection: close", f"content-length: {len(recording)}"),
        )
        for start in range(0, len(recording), len(recording) // 20):
            await connection.send(recording[start : start + len(recording) // 20])
            await asyncio.sleep(0.1)
        assert (await connection.last_answer()).status == 200


async def test_an_application_may_take_its_time_to_read() -> None:
    async def dawdling(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await asyncio.sleep(1.5)
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async with serving(dawdling, load([], {}).settings) as (address, _):
        asked = request("POST", "/", "connection: close", body=bytes(1_000_000))
        assert (await (await RawConnection.open(address, asked)).last_answer()).status == 200


async def test_a_body_that_is_too_large_is_not_swallowed() -> None:
    sent = 0
    async with served(gateway_of(scripted_engines())) as address:
        start = request("POST", ROUTE, "content-type: audio/wav", "content-length: 1000000000")
        connection = await RawConnection.open(address, start)
        assert (await connection.reader.readline()).startswith(b"HTTP/1.1 413 ")
        with pytest.raises(ConnectionError):
            while sent < 200_000_000:
                await connection.send(bytes(1_000_000))
                sent += 1_000_000
        await connection.close()
    assert sent < 20_000_000, "more than the system's own buffers hold was taken"


async def test_a_body_without_end_is_refused_and_cut() -> None:
    start = request("POST", ROUTE, "content-type: audio/wav", "transfer-encoding: chunked")
    megabyte = b"%x\r\n%s\r\n" % (1_000_000, bytes(1_000_000))
    sent = 0
    async with served(gateway_of(scripted_engines())) as address:
        connection = await RawConnection.open(address, start)
        with pytest.raises(ConnectionError):
            while sent < 300:
                await connection.send(megabyte)
                sent += 1
        await connection.close()
    assert sent < 150


async def test_a_client_that_does_not_read_its_last_answer_is_left() -> None:
    async def large(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
            await send({"type": "http.response.body", "body": bytes(50_000_000), "more_body": False})

    async with serving(large, load([], {}).settings) as (address, server):
        connection = await RawConnection.open(address, request("GET", "/", version="1.0"))
        await until(lambda: server.server_state.total_requests == 1)
        await until(lambda: not server.server_state.connections)
        await connection.close()


async def test_requests_that_do_not_wait_for_answers_get_them_in_order() -> None:
    async with served(gateway_of(scripted_engines())) as address:
        asked = request("POST", ROUTE, "content-type: audio/wav", body=question())
        last = request("GET", "/v1/models", "connection: close")
        everything = await (await RawConnection.open(address, asked + HEALTH + last)).rest()
    places = [everything.index(sign) for sign in (b"RIFF", HEALTHY, b'"object":"list"')]
    assert places == sorted(places)


async def test_there_is_a_bound_on_those_too() -> None:
    async with served(gateway_of(scripted_engines())) as address:
        everything = await (await RawConnection.open(address, HEALTH * 1000)).rest()
    assert 1 < everything.count(HEALTHY) <= limits.MAX_PIPELINED + 1
    assert b"HTTP/1.1 429 " in everything


class Shouting(asyncio.Protocol):
    """Stands for a WebSocket's protocol: it answers with what it is sent in capitals."""

    is_websocket = True
    counts_as = None

    def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
        self.connections = server_state.connections

    def take_over(self, transport: Any, _client: Any, head: RequestHead, early: bytes) -> None:
        self.transport = transport
        self.connections.add(self)
        transport.set_protocol(self)
        self.data_received(head.encoded() + early)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())

    def shutdown(self) -> None:
        self.transport.close()

    def sweep(self) -> None:
        pass


async def test_a_websocket_has_its_own_protocol_and_no_limit_on_silence() -> None:
    async def nothing(_scope: Any, _receive: Any, _send: Any) -> None:
        pass

    async with serving(nothing, load(["--max_connections", "1"], {}).settings) as (address, server):
        server.config.ws_protocol_class = Shouting
        asked = request("GET", "/v1/realtime", "connection: Upgrade", "upgrade: websocket")
        connection = await RawConnection.open(address, asked + b"first frame")
        assert await connection.reader.readexactly(len(asked) + 11) == (asked + b"first frame").upper()
        await asyncio.sleep(1.5)
        refused = await (await RawConnection.open(address)).last_answer()
        assert refused.status == 503, "it is counted, and gives way to nobody"
        await connection.send(b"second frame")
        assert await connection.reader.readexactly(12) == b"SECOND FRAME"
        await connection.close()
