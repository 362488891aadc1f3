"""One connection against servers that send HTTP/1.1 in all its forms, and against some that do not."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from unittest.mock import Mock

import httpx
import pytest

from adapters.upstream.connection import Connection
from tests.support.raw_server import WHOLE, RawServer, answers, plain_client, serving
from tests.support.upstream_server import Exchange, UpstreamServer


async def test_the_end_of_the_connection_may_end_the_response() -> None:
    server = RawServer(b"HTTP/1.1 200 OK\r\n\r\nto the end", b"HTTP/1.0 200 OK\r\n\r\nagain", close=True)
    assert await answers(server, 2) == [b"to the end", b"again"]
    assert server.connections == 2


async def test_an_interim_response_is_skipped() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    server = RawServer(early + WHOLE, WHOLE)
    async with serving(server.serve) as url, plain_client() as http:
        response = await http.get(url)
        assert (response.status_code, response.content) == (200, b"ok")
        assert "link" not in response.headers
        assert (await http.get(url)).content == b"ok"
    assert server.connections == 1


async def test_a_response_without_a_request_is_not_given_to_the_next_request() -> None:
    server = RawServer(WHOLE + WHOLE.replace(b"ok", b"no"), WHOLE)
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
async def test_bytes_that_are_not_http_and_incomplete_responses_fail(answer: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await answers(RawServer(answer, close=True))


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "endless"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"y"),
        (b"", b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n"),
        (CHUNKED + b"2\r\nok\r\n0\r\n", b"x: y\r\n"),
        (CHUNKED + b"2\r\nok\r\n0\r\nx: ", b"y"),
        (CHUNKED + b"2\r\nok\r\n2;x=", b"y"),
    ],
    ids=["headers", "a header", "interim responses", "trailers", "a trailer", "a chunk extension"],
)
async def test_what_is_not_a_body_has_a_limit(head: bytes, endless: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(endless * (10_000 // len(endless)))
                await writer.drain()

    async with serving(serve) as url, plain_client() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(url)


async def test_a_long_body_of_small_chunks_has_no_limit() -> None:
    server = RawServer(CHUNKED + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")
    assert await answers(server) == [b"a" * 50_000]


async def test_bytes_before_a_failure_are_read_first() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.send(b"said")
        await asyncio.sleep(0)
        exchange.cut()

    async with (
        UpstreamServer(script) as server,
        plain_client() as http,
        http.stream("GET", server.base_url) as response,
    ):
        while server.open_streams:  # until the connection is closed, before the first read
            await asyncio.sleep(0)
        chunks = response.aiter_raw()
        assert await anext(chunks) == b"said"
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(chunks)


async def test_a_slow_reader_pauses_the_server() -> None:
    sent = 0

    async def script(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.start()
        for _ in range(400):
            await exchange.send(b"x" * 100_000)
            sent += 1
        await exchange.finish()

    async with (
        UpstreamServer(script) as server,
        plain_client() as http,
        http.stream("GET", server.base_url) as response,
    ):
        before = -1
        while before < sent:  # until the server is paused
            before = sent
            for _ in range(200):
                await asyncio.sleep(0)
        assert sent < 400
        assert sum([len(chunk) async for chunk in response.aiter_raw()]) == 40_000_000


@asynccontextmanager
async def open_response(*chunks: bytes, broken: bool = False) -> AsyncGenerator[tuple[Connection, asyncio.Event], None]:
    """A connection on which a response has begun; its chunks come one by one when the event is set."""
    go = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED)
        await go.wait()
        for chunk in chunks:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await asyncio.sleep(0.01)
        writer.write(b"" if broken else b"0\r\n\r\n")
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
        await connection.send(b"GET / HTTP/1.1\r\n\r\n")
        yield connection, go
        connection.abort()
        await asyncio.sleep(0.05)  # both sides close


async def rest(connection: Connection) -> bytes:
    """All that is left to read."""
    read = b""
    while piece := await connection.read():
        read += piece
    return read


async def test_a_relay_takes_bytes_until_it_has_enough_and_the_rest_is_read() -> None:
    async with open_response(b"one ", b"two ", b"three") as (connection, go):
        taken: list[bytes] = []

        def take(data: bytes) -> bool:
            taken.append(data)
            return not b"".join(taken).startswith(b"one two")

        go.set()
        await connection.relay(take)
        assert b"".join(taken) + await rest(connection) == b"one two three"
        assert taken[0] == b"one "


async def test_a_relay_ends_with_the_response_or_its_failure_which_read_tells() -> None:
    for broken in (False, True):
        async with open_response(b"one ", b"two", broken=broken) as (connection, go):
            taken = bytearray()

            def take(data: bytes, taken: bytearray = taken) -> bool:
                taken.extend(data)
                return True

            go.set()
            await connection.relay(take)
            assert taken.startswith(b"one ")
            if broken:
                assert taken == b"one two"
                with pytest.raises(httpx.RemoteProtocolError):
                    await connection.read()
            else:
                assert bytes(taken) + await rest(connection) == b"one two"


async def test_what_comes_with_the_end_is_read_and_not_relayed() -> None:
    connection = Connection()
    connection.connection_made(Mock())
    sending = asyncio.create_task(connection.send(b"GET / HTTP/1.1\r\n\r\n"))
    await asyncio.sleep(0)
    connection.data_received(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    await sending
    taken: list[bytes] = []

    def take(data: bytes) -> bool:
        taken.append(data)
        return True

    relaying = asyncio.create_task(connection.relay(take))
    await asyncio.sleep(0)
    connection.data_received(b"3\r\none\r\n")
    connection.data_received(b"3\r\ntwo\r\n0\r\n\r\n")
    await relaying
    assert (taken, await rest(connection)) == ([b"one"], b"two")


async def test_what_a_relay_raises_is_raised_where_it_is_waited_for() -> None:
    async with open_response(b"one") as (connection, go):

        def take(_: bytes) -> bool:
            raise ValueError("enough")

        go.set()
        with pytest.raises(ValueError, match="enough"):
            await connection.relay(take)
