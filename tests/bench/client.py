"""The client of the benchmark: posts the question on bare sockets, so that its own work hardly shows."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Self

from tests.support.server import question

_BOUNDARY = b"bench"
_FORM = (
    b'--%b\r\ncontent-disposition: form-data; name="response_format"\r\n\r\npcm\r\n'
    b'--%b\r\ncontent-disposition: form-data; name="file"; filename="question.wav"\r\n'
    b"content-type: audio/wav\r\n\r\n%b\r\n--%b--\r\n"
)
_POST = (
    b"POST /v1/audio/speech-to-speech HTTP/1.1\r\nhost: localhost\r\n"
    b"content-type: multipart/form-data; boundary=%b\r\ncontent-length: %d\r\n\r\n%b"
)
_CPU = b"GET /cpu HTTP/1.1\r\nhost: localhost\r\n\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Client:
    """Connections to the gateway at ``port``, kept alive; use it as ``async with``."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[Connection] = deque()
        form = _FORM % (_BOUNDARY, _BOUNDARY, question(), _BOUNDARY)
        self._post = _POST % (_BOUNDARY, len(form), form)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for _reader, writer in self._idle:
            writer.close()
            await writer.wait_closed()

    async def take_turn(self) -> float:
        """One turn, heard to its end; seconds from the first byte of the request to the first of the audio."""
        async with self._connection() as (reader, writer):
            begun = time.perf_counter()
            writer.write(self._post)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"the gateway refused a turn: {head.splitlines()[0]!r}")
            first = 0.0
            while size := int(await reader.readline(), 16):
                first = first or time.perf_counter()
                await reader.readexactly(size + 2)
            await reader.readline()
            if not first:
                raise RuntimeError("the gateway answered without audio")
            return first - begun

    async def cpu_seconds(self) -> float:
        """Seconds of processor time that the gateway has used."""
        async with self._connection() as (reader, writer):
            writer.write(_CPU)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return float(await reader.readexactly(length))

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection, None]:
        """An idle connection or a new one; idle again afterwards, unless the exchange failed."""
        held = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield held
        except BaseException:
            held[1].close()
            raise
        self._idle.append(held)
