"""Errors for servers that cannot be reached or do not answer, over a real socket."""

import asyncio
import socket
from contextlib import aclosing

import pytest

from adapters.contract.errors import AdapterError, TimedOut, Unavailable, UpstreamError
from tests.support.upstream_client import ask, failure, server_tls, upstream
from tests.support.upstream_server import UpstreamServer, hold


async def unreachable(base_url: str) -> AdapterError:
    async with aclosing(upstream(base_url, max_retries=0)) as client:
        with pytest.raises(AdapterError) as caught:
            await ask(client)
    return caught.value


async def test_a_port_without_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = await unreachable(f"http://127.0.0.1:{port}/v1")
    assert (type(error), error.message) == (Unavailable, "The upstream server cannot be reached.")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid"])
async def test_a_host_name_that_cannot_be_resolved(host: str) -> None:
    error = await unreachable(f"http://{host}/v1")
    assert type(error) is Unavailable
    assert "cannot be resolved" in error.message or len(host) > 63


async def test_a_certificate_that_is_not_trusted() -> None:
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


async def test_a_connection_that_is_not_accepted_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> socket.socket:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("adapters.upstream.transport._connected_socket", never)
    error = await failure(hold, connect_timeout=0.01)
    assert (type(error), "0.01 seconds (--responses_api_connect_timeout)" in error.message) == (TimedOut, True)
