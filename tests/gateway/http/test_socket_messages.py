"""Messages that are delivered as they arrive: the same ones in the same order, however the bytes are cut."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn.protocols.utils import ClientDisconnected
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Frame, Opcode

from adapters.contract.errors import Unavailable
from gateway.http.socket_messages import messages_of
from gateway.server.websocket import AT_ONCE
from gateway.settings.load import load
from tests.support.server import serving, until

LONG = "ä" * 40_000
FRAMES = (
    Frame(Opcode.TEXT, b"one"),
    Frame(Opcode.TEXT, b""),
    Frame(Opcode.TEXT, b"tw", fin=False),
    Frame(Opcode.PING, b"?"),
    Frame(Opcode.CONT, b"o"),
    Frame(Opcode.BINARY, b"\xff"),
    Frame(Opcode.TEXT, b"t" * 200),
    Frame(Opcode.TEXT, LONG.encode()),
    Frame(Opcode.TEXT, b"last"),
)
MESSAGES = ["one", "", "two", b"\xff", "t" * 200, LONG, "last"]


class Application:
    """Takes messages, once ``ready`` is set, until the client has left; then ``left`` is the code."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.taken: list[str | bytes] = []
        self.left: int | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await self.ready.wait()
            messages_of(scope).deliver(self.take)
            self.left = (await receive())["code"]

    def take(self, message: str | bytes) -> None:
        if message == "fail":
            raise ValueError("marzipan")
        self.taken.append(message)


class Counted:
    """A transport whose writes are counted."""

    def __init__(self, transport: asyncio.Transport, written: list[int]) -> None:
        self._transport = transport
        self._written = written

    def write(self, data: bytes) -> None:
        self._written.append(len(data))
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


@asynccontextmanager
async def connected(*, ready: bool = True) -> AsyncGenerator[tuple[Application, Any, ClientConnection], None]:
    """An application, the server's side of a connection to it, and the client's."""
    application = Application()
    if ready:
        application.ready.set()
    async with serving(application, load([], {}).settings) as (address, server):
        async with connect(address.replace("http", "ws")) as client:
            (connection,) = server.server_state.connections
            yield application, connection, client
        await until(lambda: not server.server_state.connections and not server.server_state.tasks)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 11, 1000, 1_000_000])
async def test_however_they_are_cut(size: int) -> None:
    data = b"".join(frame.serialize(mask=True) for frame in FRAMES)
    async with connected() as (application, connection, _client):
        for start in range(0, len(data), size):
            connection.data_received(data[start : start + size])
        assert application.taken == MESSAGES


async def test_a_long_one_is_not_kept_until_the_next() -> None:
    async with connected() as (application, connection, client):
        await client.send("x" * 1_000_000)
        await until(lambda: application.taken)
        assert not connection.frames


@pytest.mark.parametrize("fin", [True, False], ids=["of a frame", "of a message"])
async def test_half_of_one_for_which_there_is_no_memory_closes_it(fin: bool) -> None:
    def refuse(_size: int) -> None:
        raise Unavailable("There is no room.")

    async with connected() as (application, connection, client):
        connection.draw_on(refuse)
        frame = Frame(Opcode.TEXT, b"x" * 200_000, fin=fin).serialize(mask=True)
        connection.data_received(frame[:100_000] if fin else frame)
        assert await _closed(client) == 1013
        assert not application.taken
        assert not connection.frames


async def test_many_at_once_come_in_order_and_all_before_the_end() -> None:
    many = [str(number) for number in range(5 * AT_ONCE)]
    async with connected() as (application, connection, client):
        connection.data_received(b"".join(Frame(Opcode.TEXT, text.encode()).serialize(mask=True) for text in many))
        assert len(application.taken) == AT_ONCE, "others have their turn"
        await client.close()
        await until(lambda: application.left is not None)
        assert application.taken == many
        assert application.left == 1000


async def test_held_messages_wait_in_order() -> None:
    async with connected() as (application, connection, client):
        taken = application.taken

        def take(message: str | bytes) -> None:
            taken.append(message)
            connection.hold(held=len(taken) % 2 == 0)

        connection.deliver(take)
        for number in range(6):
            await client.send(str(number))
        await until(lambda: taken == ["0", "1"])
        connection.send_keepalive_ping()
        connection.keepalive_timeout()
        assert connection.pong_timer is None, "a late pong begins no second round of pings"
        for more in (4, 6):
            assert not connection.transport.is_reading()
            connection.hold(held=False)
            await until(lambda more=more: len(taken) == more)
        assert taken == [str(number) for number in range(6)]
        connection.hold(held=False)
        await until(connection.transport.is_reading)
        await client.close()
        await until(lambda: application.left is not None)
        assert application.left == 1000, "a pong that could not be read was not missed"


async def test_the_end_comes_though_messages_are_held() -> None:
    async with connected() as (application, connection, _client):
        taken: list[str | bytes] = []

        def take(message: str | bytes) -> None:
            taken.append(message)
            connection.hold(held=True)

        connection.deliver(take)
        frames = [Frame(Opcode.TEXT, b"one")] * 3 + [Frame(Opcode.CLOSE, b"\x03\xe8")]
        connection.data_received(b"".join(frame.serialize(mask=True) for frame in frames))
        await until(lambda: application.left is not None)
        assert taken == ["one"] * 3, "what came before the end is not lost"


async def test_those_that_came_before_they_were_asked_for_are_not_lost() -> None:
    async with connected(ready=False) as (application, _connection, client):
        await client.send("early")
        await client.send("later")
        await client.ping()
        application.ready.set()
        await until(lambda: application.taken == ["early", "later"])


async def test_messages_are_sent_together_and_arrive_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [b"x" * size for size in (0, 1, 125, 126, 65_535, 65_536, 200_000)]
    written: list[int] = []
    async with connected() as (_application, connection, client):
        monkeypatch.setattr(connection, "transport", Counted(connection.transport, written))
        connection.send_texts(texts)
        assert len(written) == 1
        async with asyncio.timeout(10):
            assert [str(await client.recv()).encode() for _ in texts] == texts


async def test_nothing_is_sent_after_the_close() -> None:
    async with connected() as (_application, connection, client):
        await connection.send({"type": "websocket.close", "code": 4000})
        with pytest.raises(ClientDisconnected):
            connection.send_texts([b"late"])
        assert await _closed(client) == 4000


async def test_messages_wait_for_a_client_that_does_not_read() -> None:
    async with connected() as (_application, connection, client):
        assert connection.takes_more(lambda: connection.send_texts([b"not yet"]))
        connection.pause_writing()
        assert not connection.takes_more(lambda: connection.send_texts([b"later"]))
        connection.resume_writing()
        assert await client.recv() == "later"


async def test_what_came_after_the_application_has_left_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    enough = asyncio.Event()

    async def leaving(_application: Application, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            messages_of(scope).deliver(lambda _message: enough.set())
            await enough.wait()
            await send({"type": "websocket.close", "code": 4000})

    monkeypatch.setattr(Application, "__call__", leaving)
    async with connected() as (_application, connection, client):
        connection.data_received(Frame(Opcode.TEXT, b"more").serialize(mask=True) * (100 * AT_ONCE))
        assert await _closed(client) == 4000


async def test_a_long_message_is_not_kept_when_it_was_handed_over() -> None:
    async with connected() as (application, connection, client):
        await client.send(LONG)
        await until(lambda: application.taken == [LONG])
        assert not connection.frames


@pytest.mark.parametrize("frame", [Frame(Opcode.TEXT, b"\xff\xfe"), Frame(Opcode.TEXT, b"ab\xff" * 100)])
async def test_text_that_is_no_text_closes_it(frame: Frame) -> None:
    async with connected() as (application, connection, client):
        connection.data_received(Frame(Opcode.TEXT, b"one").serialize(mask=True) + frame.serialize(mask=True))
        assert await _closed(client) == 1007
        assert application.taken == ["one"]


async def test_a_frame_without_a_mask_closes_it() -> None:
    async with connected() as (_application, connection, client):
        connection.data_received(Frame(Opcode.TEXT, b"not masked").serialize(mask=False))
        assert await _closed(client) == 1002


async def test_a_failure_is_logged_without_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with connected() as (application, _connection, client):
        await client.send("fail")
        assert await _closed(client) == 1011
        await until(lambda: application.left is not None)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("gateway.server")]
    assert len([line for line in ours if "failed unexpectedly: ValueError" in line]) == 1
    assert "marzipan" not in caplog.text


async def _closed(client: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosedError) as failure:
        await client.recv()
    return failure.value.rcvd.code if failure.value.rcvd else None
