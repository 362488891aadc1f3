"""The client of the realtime benchmark: sessions on bare sockets that send frames of 20 ms in real time.

Run as ``python -m tests.bench.realtime_client PORT``; reads an ``Order`` in JSON from each line of its input,
and answers it with a line, a ``Heard``.
"""

import asyncio
import base64
import sys
import time
from typing import cast

import msgspec
import numpy as np
import uvloop

from tests.support.realtime_client import FRAME_BYTES, RATE, spoken_question

FRAME_MS = 20
SLOTS = 10
"""Moments in the 20 ms of a frame at which sessions send."""

PAUSE_SECONDS = 3.0
"""Between a question and the next one; the answer comes and is played meanwhile."""

ROOM_DBFS = -75.0
VOICED_DBFS = -45.0
CONNECTING = 20
"""Sessions that connect at once."""

PATIENCE_SECONDS = 20.0

_HANDSHAKE = (
    b"GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    b"sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nsec-websocket-version: 13\r\n\r\n"
)
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """``sessions`` are to be open; every ``speaks``th of them speaks for so many seconds, and the others are quiet.

    After ``speaks`` of 0 nobody sends anything.
    """

    sessions: int
    speaks: int = 0
    seconds: float = 0.0


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds to the first audio: since the last voiced frame, and since the frame that confirmed the end.

    ``told``: from that frame to the event that says that speech has stopped.
    """

    voiced: float
    confirmed: float
    told: float


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """The turns that were answered, and how many were not before the next one.

    And how many connections were closed, and how late frames were sent.
    """

    turns: list[Turn]
    unanswered: int
    closed: int
    late_ms: float


def frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """A client's frame, masked with zeros."""
    size = len(payload)
    head = bytes([0x80 | opcode])
    if size < 126:
        return head + bytes([0x80 | size]) + bytes(4) + payload
    return head + bytes([0xFE]) + size.to_bytes(2) + bytes(4) + payload


def appends(pcm: bytes) -> list[bytes]:
    """The audio as frames of a WebSocket."""
    return [
        frame(b'{"type":"input_audio_buffer.append","audio":"%b"}' % base64.b64encode(pcm[start : start + FRAME_BYTES]))
        for start in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)
    ]


def room(seconds: float) -> bytes:
    """The noise of a quiet room."""
    draw = np.random.default_rng(1)
    noise = draw.normal(0, 32_768 * 10 ** (ROOM_DBFS / 20), round(seconds * RATE))
    return bytes(noise.astype("<i2").tobytes())


def last_voiced(pcm: bytes) -> int:
    """The number of the last frame with a voice."""
    frames = np.frombuffer(pcm[: len(pcm) - len(pcm) % FRAME_BYTES], "<i2").reshape(-1, FRAME_BYTES // 2)
    level = np.sqrt(np.mean(frames.astype(float) ** 2, axis=1)) / 32_768
    return int(np.flatnonzero(level > 10 ** (VOICED_DBFS / 20))[-1])


class Speech:
    """What sessions send: a question and a pause, over and over, or nothing but the room."""

    def __init__(self) -> None:
        question = spoken_question()
        self.quiet = appends(room(PAUSE_SECONDS))
        self.talk = appends(question + room(PAUSE_SECONDS))
        self.last_voiced = last_voiced(question)


class Session(asyncio.Protocol):
    """One connection. ``sent`` are the times at which its frames were sent."""

    def __init__(self, speech: Speech) -> None:
        self.opened = asyncio.get_running_loop().create_future()
        self.is_closed = False
        self.turns: list[Turn] = []
        self.unanswered = 0
        self._speech = speech
        self._frames = speech.quiet
        self._first = 0  # the number of the frame with which the present order began
        self._offset = 0
        self._sent: list[float] = []
        self._confirmed: tuple[float, float, float] | None = None
        self._data = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._transport.write(_HANDSHAKE)

    def connection_lost(self, exc: Exception | None) -> None:
        """The session is over."""
        self.is_closed = True
        if not self.opened.done():
            self.opened.set_result(None)

    def talk(self, *, speaks: bool, offset: int) -> None:
        """Send speech or the room from now on, from this frame of it."""
        self._frames = self._speech.talk if speaks else self._speech.quiet
        self._first, self._offset = len(self._sent), offset

    def send(self) -> None:
        """Send the next frame."""
        self._transport.write(self._frames[self._place(len(self._sent))])
        self._sent.append(time.perf_counter())

    def close(self) -> None:
        """Leave."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Read what the server sends."""
        self._data += data
        if not self.opened.done():
            head, end, _ = self._data.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            del self._data[: len(head) + 4]
            self.opened.set_result(None)
        while (size := _frame_size(self._data)) <= len(self._data):
            self._read(self._data[0] & 0x0F, bytes(self._data[_head_size(self._data) : size]))
            del self._data[:size]

    def _read(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self._transport.write(frame(payload, _PONG))
        elif opcode == _CLOSE:
            self._transport.close()
        elif payload.startswith(b'{"type":"input_audio_buffer.speech_stopped"'):
            end_ms = msgspec.json.decode(payload)["audio_end_ms"]
            deciding = min(-(-end_ms // FRAME_MS), len(self._sent)) - 1
            voiced = deciding - (self._place(deciding) - self._speech.last_voiced) % len(self._frames)
            self.unanswered += self._confirmed is not None
            self._confirmed = (self._sent[max(0, voiced)], self._sent[deciding], time.perf_counter())
        elif payload.startswith(b'{"type":"response.output_audio.delta"') and self._confirmed is not None:
            (voiced_at, confirmed_at, told_at), self._confirmed = self._confirmed, None
            now = time.perf_counter()
            self.turns.append(
                Turn(
                    voiced=(now - voiced_at) * 1000,
                    confirmed=(now - confirmed_at) * 1000,
                    told=(told_at - confirmed_at) * 1000,
                )
            )

    def _place(self, number: int) -> int:
        return (number - self._first + self._offset) % len(self._frames)


def _head_size(data: bytearray) -> int:
    size = data[1] & 0x7F if len(data) > 1 else 0
    return 2 + {126: 2, 127: 8}.get(size, 0)


def _frame_size(data: bytearray) -> int:
    head = _head_size(data)
    if len(data) < head:
        return head
    return head + (data[1] & 0x7F if head == 2 else int.from_bytes(data[2:head]))


class Client:
    """All sessions at the server at ``port``."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._speech = Speech()
        self._sessions: list[Session] = []

    async def do(self, order: Order) -> Heard:
        """Do as ordered."""
        await self._open(order.sessions)
        late = await self._talk(order) if order.speaks else 0.0
        heard = Heard(
            turns=[turn for session in self._sessions for turn in session.turns],
            unanswered=sum(session.unanswered for session in self._sessions),
            closed=sum(session.is_closed for session in self._sessions),
            late_ms=late,
        )
        for session in self._sessions:
            session.turns.clear()
            session.unanswered = 0
        return heard

    async def _open(self, sessions: int) -> None:
        for left in self._sessions[sessions:]:
            left.close()
        del self._sessions[sessions:]
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (missing := sessions - len(self._sessions)) > 0:
                for _ in range(min(CONNECTING, missing)):
                    _, session = await loop.create_connection(lambda: Session(self._speech), "127.0.0.1", self._port)
                    self._sessions.append(session)
                await asyncio.gather(*(session.opened for session in self._sessions))

    async def _talk(self, order: Order) -> float:
        """Send in real time; how late the latest frame was, in milliseconds."""
        loop = asyncio.get_running_loop()
        for number, session in enumerate(self._sessions):
            speaks = number % order.speaks == 0
            session.talk(speaks=speaks, offset=number // order.speaks * 37 if speaks else number)
        begun, late = loop.time(), 0.0
        for tick in range(round(order.seconds * 1000 / FRAME_MS * SLOTS)):
            due = begun + tick * FRAME_MS / SLOTS / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))
            late = max(late, loop.time() - due)
            for session in self._sessions[tick % SLOTS :: SLOTS]:
                if not session.is_closed:
                    session.send()
        return late * 1000


async def main(port: int) -> None:
    """Do what is ordered until the input ends."""
    client = Client(port)
    while line := await asyncio.to_thread(sys.stdin.readline):
        heard = await client.do(msgspec.json.decode(line, type=Order))
        print(msgspec.json.encode(heard).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
