"""The transport against servers that speak HTTP/1.1 in all its ways, and against some that do not."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import httpx
import pytest

from adapters.upstream import transport as transport_module
from adapters.upstream.transport import Address, Transport, _alternating, _connected_socket
from tests.support.upstream_client import CERTIFICATE, server_tls
from tests.support.upstream_server import Exchange, UpstreamServer, hold, replies

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def no_tls() -> ssl.SSLContext:
    raise AssertionError("nobody asked for TLS")


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=Transport(no_tls))


class Server:
    """A server of raw bytes: each request of a connection is answered with the next of ``answers``."""

    def __init__(self, *answers: bytes, close: bool = False) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._answers = list(answers)
        self._close = close

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while self._answers:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self._answers.pop(0))
                if self._close:
                    break
            else:
                await reader.read(1)


@asynccontextmanager
async def served(handler: Handler) -> AsyncGenerator[str, None]:
    handlers: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(cast("asyncio.Task[None]", asyncio.current_task()))
        await handler(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/path?q=1"
        await asyncio.gather(*handlers)


async def answers(server: Server, times: int = 1) -> list[bytes]:
    async with served(server.serve) as url, client() as http:
        return [(await http.get(url)).content for _ in range(times)]


async def test_a_request_is_written_as_http_wants_it() -> None:
    server = Server(WHOLE)
    async with served(server.serve) as url, client() as http:
        response = await http.get(url, headers={"x-one": "two"})
        assert (response.status_code, response.content) == (200, b"ok")
    head = server.requests[0].lower().split(b"\r\n")
    assert head[0] == b"get /path?q=1 http/1.1"
    assert {b"x-one: two", url.split("/")[2].encode().join((b"host: ", b""))} <= set(head)


async def test_connections_are_used_again_when_the_answer_was_read_to_its_end() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"
    server = Server(WHOLE, chunked, b"HTTP/1.1 204 No Content\r\n\r\n", WHOLE)
    assert await answers(server, 4) == [b"ok", b"ab", b"", b"ok"]
    assert server.connections == 1


async def test_an_answer_may_end_with_its_connection() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\n\r\nto the end", b"HTTP/1.0 200 OK\r\n\r\nagain", close=True)
    assert await answers(server, 2) == [b"to the end", b"again"]
    assert server.connections == 2


async def test_a_server_that_closes_is_connected_to_anew() -> None:
    server = Server(WHOLE.replace(b"200 OK\r\n", b"200 OK\r\nconnection: close\r\n"), WHOLE)
    assert await answers(server, 2) == [b"ok", b"ok"]
    assert server.connections == 2


async def test_an_announcement_is_not_the_answer() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    server = Server(early + WHOLE, WHOLE)
    async with served(server.serve) as url, client() as http:
        response = await http.get(url)
        assert (response.status_code, response.content) == (200, b"ok")
        assert "link" not in response.headers
        assert (await http.get(url)).content == b"ok"
    assert server.connections == 1


async def test_an_answer_that_nobody_asked_for_is_not_given_to_the_next_request() -> None:
    server = Server(WHOLE + WHOLE.replace(b"ok", b"no"), WHOLE)
    assert await answers(server, 2) == [b"ok", b"ok"]
    assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"",
    ],
)
async def test_what_is_not_http_or_stops_in_the_middle_is_a_failure(answer: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await answers(Server(answer, close=True))


async def test_what_came_before_a_failure_is_given_first() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.send(b"said")
        await asyncio.sleep(0)
        exchange.cut()

    async with UpstreamServer(script) as server, client() as http, http.stream("GET", server.base_url) as response:
        while server.open_streams:  # the connection is gone before anybody has read
            await asyncio.sleep(0)
        chunks = response.aiter_raw()
        assert await anext(chunks) == b"said"
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(chunks)


async def test_a_server_waits_for_a_reader_that_is_slow() -> None:
    sent = 0

    async def script(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.start()
        for _ in range(400):
            await exchange.send(b"x" * 100_000)
            sent += 1
        await exchange.finish()

    async with UpstreamServer(script) as server, client() as http, http.stream("GET", server.base_url) as response:
        before = -1
        while before < sent:  # until nothing moves any more
            before = sent
            for _ in range(200):
                await asyncio.sleep(0)
        assert sent < 400
        assert sum([len(chunk) async for chunk in response.aiter_raw()]) == 40_000_000


@pytest.mark.parametrize("started", [False, True])
async def test_leaving_closes_the_socket_before_it_returns(started: bool) -> None:
    asked = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if started:
            await exchange.start()
            await exchange.send(b"x")
        asked.set()
        await hold(exchange)

    async with UpstreamServer(script) as server, client() as http:
        reader = asyncio.create_task(http.get(server.base_url))
        await asked.wait()
        await asyncio.sleep(0)
        assert server.open_streams == 1
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
        assert server.open_streams == 0


async def test_closing_drops_idle_and_open_connections() -> None:
    async with UpstreamServer(hold) as server:
        http = client()
        reader = asyncio.create_task(http.get(server.base_url))
        while not server.exchanges:
            await asyncio.sleep(0)
        await http.aclose()
        assert server.open_streams == 0
        with pytest.raises(httpx.RemoteProtocolError):
            await reader


async def test_an_idle_connection_that_grew_old_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_IDLE_SECONDS", 0.0)
    server = Server(WHOLE, WHOLE)
    await answers(server, 2)
    assert server.connections == 2


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()
    async with UpstreamServer() as server:
        alive = ("127.0.0.1", int(server.base_url.split(":")[2].split("/")[0]))
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (dead, alive)]
        with await _connected_socket(addresses) as sock:
            assert sock.getpeername() == alive
        with pytest.raises(ConnectionRefusedError):
            await _connected_socket(addresses[:1])


def test_address_families_take_turns() -> None:
    def of(*families: int) -> list[Address]:
        return [(family, 1, 6, "", number) for number, family in enumerate(families)]

    assert [address for *_, address in _alternating(of(10, 10, 10, 2, 2))] == [0, 3, 1, 4, 2]
    assert _alternating(of(2)) == of(2)


async def test_tls_is_verified() -> None:
    trusting = httpx.AsyncClient(transport=Transport(lambda: ssl.create_default_context(cafile=CERTIFICATE)))
    wary = httpx.AsyncClient(transport=Transport(ssl.create_default_context))
    async with UpstreamServer(replies(200, {"ok": True}), server_tls()) as server, trusting, wary:
        assert (await trusting.get(server.base_url)).json() == {"ok": True}
        assert (await trusting.get(server.base_url)).json() == {"ok": True}
        assert server.connections == 1
        with pytest.raises(httpx.ConnectError):
            await wary.get(server.base_url)
