"""A client that sends prepared bytes, for requests that no HTTP library would write."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec

from gateway.api.health.routes import health


class RawAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it came: the status, the headers by their names in lower case, and all that follows them."""

    status: int
    headers: dict[str, str]
    body: bytes


class RawConnection:
    """A connection to ``address``, such as ``http://127.0.0.1:8765``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, address: str, *pieces: bytes) -> "RawConnection":
        """Connect and send ``pieces``, each in a packet of its own where the system lets us."""
        url = urlsplit(address)
        connection = cls(*await asyncio.open_connection(url.hostname, url.port))
        for piece in pieces:
            await connection.send(piece)
        return connection

    async def send(self, data: bytes) -> None:
        """Send ``data``. Raises ``ConnectionError`` when the server has gone."""
        self.writer.write(data)
        await self.writer.drain()

    async def next_answer(self) -> RawAnswer:
        """The next answer with a Content-Length; the connection stays open."""
        async with asyncio.timeout(10):
            answer = _parsed(await self.reader.readuntil(b"\r\n\r\n"))
            body = await self.reader.readexactly(int(answer.headers["content-length"]))
        return msgspec.structs.replace(answer, body=body)

    async def last_answer(self) -> RawAnswer:
        """All that comes until the server closes the connection, as one answer."""
        return _parsed(await self.rest())

    async def rest(self) -> bytes:
        """All that comes until the server closes the connection. Raises ``ConnectionError`` when it resets it."""
        async with asyncio.timeout(10):
            data = await self.reader.read()
        await self.close()
        return data

    async def closed(self) -> None:
        """Wait until the server has closed the connection, in whichever way."""
        with suppress(ConnectionError):
            await self.rest()

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def answer_to(address: str, *pieces: bytes) -> RawAnswer:
    """The first answer, which has a Content-Length, to ``pieces`` on a connection of their own."""
    connection = await RawConnection.open(address, *pieces)
    try:
        return await connection.next_answer()
    finally:
        await connection.close()


def _parsed(data: bytes) -> RawAnswer:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert first.startswith("HTTP/1.1 "), data[:200]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return RawAnswer(status=int(first.split()[1]), headers=headers, body=body)


HEALTHY = msgspec.json.encode(health.fn())
"""The body of the answer to ``GET /health``."""


def request(method: str, target: str, *headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    """A request as bytes; the length of ``body`` is said when there is one."""
    length = [f"content-length: {len(body)}"] if body else []
    lines = [f"{method} {target} HTTP/{version}", "host: localhost", *length, *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(data: bytes, size: int) -> bytes:
    """``data`` in chunks of ``size`` bytes."""
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
