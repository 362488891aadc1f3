"""The body of a response: read in pieces of limited size and decompressed, with at most one layer of compression."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Literal

import httpx

from adapters.upstream.connection import Connection
from adapters.upstream.transport import CONNECTION

_MAX_PIECE = 64 * 1024  # of what one step decompresses
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # the format is told from the header
_ENCODING = b"content-encoding"
_BLANK = b"\xef\xbb\xbf \t\r\n"  # a byte order mark, and white space that keeps the connection open

Kind = Literal["json", "html", "events"]


class UnreadableBody(ValueError):
    """The body cannot be read; the message completes "The upstream server …"."""


class Body:
    """The bytes of ``response``; it stays open, the caller closes it."""

    def __init__(self, response: httpx.Response) -> None:
        # Our own transport's connection is read directly: an httpx stream costs two generators a piece.
        self._connection: Connection | None = response.extensions.get(CONNECTION)
        self._receive: Callable[[], Awaitable[bytes]] = (
            self._connection.read if self._connection else partial(anext, _chunks(response), b"")
        )
        # To look a header up, httpx decodes all of them.
        self._compression = _compression([value for name, value in response.headers.raw if name.lower() == _ENCODING])
        if self._compression:
            self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._compressed = b""  # received, but not decompressed yet

    def read(self) -> Awaitable[bytes]:
        """The next bytes; empty at the end. Raises ``UnreadableBody``, ``httpx.HTTPError``."""
        return self._decompressed() if self._compression else self._receive()

    @property
    def relay(self) -> Callable[[Callable[[bytes], bool]], Awaitable[None]] | None:
        """``Connection.relay``, where the bytes need nothing done to them."""
        return None if self._connection is None or self._compression else self._connection.relay

    async def _decompressed(self) -> bytes:
        if self._compression not in ("gzip", "x-gzip", "deflate"):
            raise UnreadableBody(f"compressed its answer as {self._compression!r}, which was not requested")
        while not (piece := self._decompress()):
            if not self._compressed and not (chunk := await self._receive()):
                return b""
            self._compressed = self._compressed or chunk
        return piece

    async def read_all(self, limit: int) -> bytes:
        """The whole body, of at most ``limit`` bytes. Raises ``UnreadableBody``, ``httpx.HTTPError``."""
        body = bytearray()
        while chunk := await self.read():
            body += chunk
            if len(body) > limit:
                raise UnreadableBody("sent an answer that is too large to read")
        return bytes(body)

    def _decompress(self) -> bytes:
        """The next decompressed bytes; empty if more input is needed, and after the end of the compressed data."""
        if self._inflater.eof:
            self._compressed = b""
            return b""
        try:
            piece = self._inflater.decompress(self._compressed, _MAX_PIECE)
        except zlib.error as error:
            raise UnreadableBody("sent an answer that cannot be decompressed") from error
        self._compressed = self._inflater.unconsumed_tail
        return piece


async def drain(response: httpx.Response, limit: int) -> None:
    """Read at most about ``limit`` bytes, so that the connection can be reused. Raises ``httpx.HTTPError``."""
    size = 0
    async for chunk in _chunks(response):
        size += len(chunk)
        if size > limit:
            return


async def kind_of(read: Callable[[], Awaitable[bytes]]) -> tuple[Kind, bytes]:
    """What a body is, and the bytes that ``read`` gave for it; the content type of many servers says something else."""
    first = b""
    while not first and (chunk := await read()):
        first = chunk.lstrip(_BLANK)
    match first[:1]:
        case b"{" | b"[":
            return "json", first
        case b"<":
            return "html", first
        case _:
            return "events", first


def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """The bytes as they were sent; httpx would decompress them without bounds."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return aiter(response.stream)


def _compression(headers: list[bytes]) -> str:
    """The layers that the values of ``content-encoding`` name; empty for a body as it is."""
    named = b",".join(headers).decode("latin-1")
    encodings = (encoding.strip().lower() for encoding in named.split(",")) if named else ()
    return ", ".join(encoding for encoding in encodings if encoding not in ("", "identity"))
