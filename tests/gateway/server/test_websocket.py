"""WebSockets over sockets: how many there may be, what a client may send, and that none outlives its client."""

import asyncio
import logging
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import Frame, Opcode

from gateway.server import limits
from gateway.settings.load import load
from tests.support.raw_client import RawConnection, answer_to, request
from tests.support.server import serving, until

HANDSHAKE = request(
    "GET",
    "/v1/echo",
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Sends back how long each message is; at "flood" it sends without end, at "fail" it fails."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text") or message.get("bytes")
        if text == "fail":
            raise ValueError("marzipan")
        while text == "flood":
            await send({"type": "websocket.send", "text": "flood" * 10_000})
        await send({"type": "websocket.send", "text": str(len(text))})


def echoing(*flags: str) -> Any:
    return serving(echo, load(list(flags), {}).settings)


def at(address: str) -> str:
    return address.replace("http", "ws") + "/v1/echo"


async def closed(client: ClientConnection) -> int | None:
    """The code with which the server closes the connection."""
    async with asyncio.timeout(10):
        with pytest.raises(ConnectionClosedError) as failure:
            while True:
                await client.recv()
    return failure.value.rcvd.code if failure.value.rcvd else None


async def test_past_the_bound_a_further_one_is_told_to_come_back() -> None:
    async with echoing("--max_websockets", "2") as (address, server):
        async with connect(at(address)), connect(at(address)) as second:
            with pytest.raises(InvalidStatus) as refused:
                await connect(at(address))
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["retry-after"] == "1"
            assert (await answer_to(address, request("GET", "/"))).status == 200, "requests have places of their own"
            await second.close()
            await until(lambda: len(server.server_state.connections) == 1)
            async with connect(at(address)) as third:
                await third.send("hello")
                assert await third.recv() == "5"


async def test_those_of_one_client_behind_a_proxy_are_counted() -> None:
    flags = ("--max_connections_per_client", "1", "--forwarded_allow_ips", "127.0.0.1")
    async with echoing(*flags) as (address, _):
        ann, bob = ({"x-forwarded-for": client} for client in ("203.0.113.1", "203.0.113.2"))
        async with connect(at(address), additional_headers=ann), connect(at(address), additional_headers=bob):
            with pytest.raises(InvalidStatus):
                await connect(at(address), additional_headers=ann)


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_a_message_has_a_longest_length(compression: str | None) -> None:
    async with echoing() as (address, _), connect(at(address), max_size=None, compression=compression) as client:
        await client.send("x" * 15 * 1024 * 1024)
        assert await client.recv() == str(15 * 1024 * 1024), "an event of OpenAI's greatest length"
        with pytest.raises(ConnectionClosedError) as failure:
            await client.send("x" * 2 * limits.MESSAGE_BYTES)
            await client.recv()
        assert failure.value.rcvd is None or failure.value.rcvd.code == 1009


async def test_fragments_without_content_are_bounded() -> None:
    empty = Frame(Opcode.CONT, b"", fin=False).serialize(mask=True)
    async with echoing() as (address, server):
        connection = await RawConnection.open(address, HANDSHAKE)
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(Frame(Opcode.TEXT, b"", fin=False).serialize(mask=True))
        await connection.send(empty * (limits.MAX_FRAGMENTS + 10))
        assert (await connection.rest())[2:4] == (1008).to_bytes(2, "big")
        await until(lambda: not server.server_state.connections and not server.server_state.tasks)


async def test_text_that_is_no_text_closes_it_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async with echoing() as (address, server):
        connection = await RawConnection.open(address, HANDSHAKE)
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(Frame(Opcode.TEXT, b"\xff\xfe").serialize(mask=True))
        assert (await connection.rest())[2:4] == (1007).to_bytes(2, "big")
        await until(lambda: not server.server_state.tasks)
    assert "Traceback" not in caplog.text


async def test_a_failure_of_the_application_is_logged_without_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with echoing() as (address, server), connect(at(address)) as client:
        await client.send("fail")
        assert await closed(client) == 1011
        await until(lambda: not server.server_state.tasks)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("gateway.server")]
    assert len([line for line in ours if "failed unexpectedly: ValueError" in line]) == 1
    assert "marzipan" not in caplog.text


async def test_a_client_that_reads_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "READ_SECONDS", 0.3)
    async with echoing() as (address, server):
        connection = await RawConnection.open(address, HANDSHAKE)
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(Frame(Opcode.TEXT, b"flood").serialize(mask=True))
        await until(lambda: server.server_state.tasks)
        await until(lambda: not server.server_state.connections and not server.server_state.tasks)
        await connection.close()


async def test_a_message_that_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.2)
    async with echoing() as (address, server):
        connection = await RawConnection.open(address, HANDSHAKE)
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(Frame(Opcode.TEXT, b"x" * limits.SMALL_MESSAGE_BYTES, fin=False).serialize(mask=True))
        assert (await connection.rest())[2:4] == (1008).to_bytes(2, "big")
        await until(lambda: not server.server_state.connections and not server.server_state.tasks)


async def test_a_client_that_answers_no_ping_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PING_SECONDS", 0.1)
    async with echoing() as (address, server):
        connection = await RawConnection.open(address, HANDSHAKE)
        await until(lambda: server.server_state.tasks)
        await until(lambda: not server.server_state.connections and not server.server_state.tasks)
        await connection.close()


@pytest.mark.parametrize("data", [b"", HANDSHAKE[:60], HANDSHAKE[:-2]], ids=["nothing", "half a line", "half a head"])
async def test_a_handshake_that_does_not_end_is_left(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(limits, "IDLE_SECONDS", 0.2)
    async with echoing() as (address, server):
        connection = await RawConnection.open(address, data)
        await connection.closed()
        await until(lambda: not server.server_state.connections)


@pytest.mark.parametrize(
    "handshake",
    [
        HANDSHAKE.replace(b"dGhl", b"\xff\xfehl"),
        HANDSHAKE.replace(b"Bub25jZQ==", b""),
        HANDSHAKE.replace(b"/v1/echo", b"/v1/\xffecho"),
        HANDSHAKE.replace(b" HTTP/1.1", b" HTTP/1.0"),
    ],
    ids=["a key that is no text", "a short key", "a target that is no text", "another version"],
)
async def test_a_handshake_that_is_none_is_refused(handshake: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with echoing() as (address, server):
        assert b" 400 " in (await (await RawConnection.open(address, handshake)).rest()).partition(b"\r\n")[0]
        await until(lambda: not server.server_state.connections and not server.server_state.tasks)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_what_is_sent_before_the_answer_waits_for_it() -> None:
    async with echoing() as (address, _):
        connection = await RawConnection.open(address, HANDSHAKE + Frame(Opcode.TEXT, b"early").serialize(mask=True))
        await connection.reader.readuntil(b"\r\n\r\n")
        assert await connection.reader.readexactly(3) == b"\x81\x015"
        await connection.close()
