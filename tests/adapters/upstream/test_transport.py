"""The transport: requests, reuse of connections, host addresses, TLS."""

import asyncio
import socket
import ssl
from contextlib import suppress

import httpx
import pytest

from adapters.upstream import transport as transport_module
from adapters.upstream.transport import Address, Transport, _alternating, _connected_socket
from tests.support.raw_server import WHOLE, RawServer, answers, plain_client, serving
from tests.support.upstream_client import CERTIFICATE, server_tls
from tests.support.upstream_server import Exchange, UpstreamServer, hold, replies


async def test_a_request_as_it_is_sent() -> None:
    server = RawServer(WHOLE)
    async with serving(server.serve) as url, plain_client() as http:
        response = await http.get(url, headers={"x-one": "two"})
        assert (response.status_code, response.content) == (200, b"ok")
    head = server.requests[0].lower().split(b"\r\n")
    assert head[0] == b"get /path?q=1 http/1.1"
    assert {b"x-one: two", url.split("/")[2].encode().join((b"host: ", b""))} <= set(head)


async def test_a_connection_is_reused_after_a_complete_response() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"
    server = RawServer(WHOLE, chunked, b"HTTP/1.1 204 No Content\r\n\r\n", WHOLE)
    assert await answers(server, 4) == [b"ok", b"ab", b"", b"ok"]
    assert server.connections == 1


async def test_a_new_connection_after_the_server_closed_one() -> None:
    server = RawServer(WHOLE.replace(b"200 OK\r\n", b"200 OK\r\nconnection: close\r\n"), WHOLE)
    assert await answers(server, 2) == [b"ok", b"ok"]
    assert server.connections == 2


@pytest.mark.parametrize("started", [False, True])
async def test_cancelling_closes_the_socket_before_it_returns(started: bool) -> None:
    asked = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if started:
            await exchange.start()
            await exchange.send(b"x")
        asked.set()
        await hold(exchange)

    async with UpstreamServer(script) as server, plain_client() as http:
        reader = asyncio.create_task(http.get(server.base_url))
        await asked.wait()
        await asyncio.sleep(0)
        assert server.open_streams == 1
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
        assert server.open_streams == 0


async def test_closing_the_transport_closes_idle_and_open_connections() -> None:
    async with UpstreamServer(hold) as server:
        http = plain_client()
        reader = asyncio.create_task(http.get(server.base_url))
        while not server.exchanges:
            await asyncio.sleep(0)
        await http.aclose()
        assert server.open_streams == 0
        with pytest.raises(httpx.RemoteProtocolError):
            await reader


async def test_an_idle_connection_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_IDLE_SECONDS", 0.0)
    server = RawServer(WHOLE, WHOLE)
    await answers(server, 2)
    assert server.connections == 2


async def test_the_next_address_is_tried_when_one_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()
    async with UpstreamServer() as server:
        alive = ("127.0.0.1", int(server.base_url.split(":")[2].split("/")[0]))
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (dead, alive)]
        with await _connected_socket(addresses) as sock:
            assert sock.getpeername() == alive
        with pytest.raises(ConnectionRefusedError):
            await _connected_socket(addresses[:1])


def test_address_families_alternate() -> None:
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
