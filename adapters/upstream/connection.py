"""One HTTP/1.1 connection: a request goes out, httptools parses the answer as its bytes come."""

import asyncio
from collections import deque
from typing import cast

import httptools
import httpx

_MOST_HEAD_BYTES = 64 * 1024
_MOST_WAITING_BYTES = 256 * 1024  # of a body that nobody has read yet; then the server waits

Headers = list[tuple[bytes, bytes]]


class Connection(asyncio.Protocol):
    """Carries one exchange after another: ``ask``, then ``read`` until it gives ``b""``, or ``abort``."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None
        self._failure: httpx.TransportError | None = None
        self._paused = False
        self._reset()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._head_bytes = 0
        self._has_head = False
        self._interim = False  # a 1xx answer, after which the real one comes
        self._body: deque[bytes] = deque()
        self._waiting = 0
        self._complete = False
        self._keep_alive = False

    async def ask(self, request: bytes) -> tuple[int, Headers]:
        """Send a request and wait for the status and headers of its answer. Raises ``httpx.TransportError``."""
        self._reset()
        self._transport.write(request)
        while not self._has_head:
            await self._wait()
        return self._parser.get_status_code(), self._headers

    async def read(self) -> bytes:
        """All of the body that has come and was not read, at least a byte; empty at the end.

        Raises ``httpx.TransportError`` after everything that came before the failure.
        """
        while not self._body and not self._complete:
            await self._wait()
        piece = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self._waiting = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return piece

    @property
    def is_lost(self) -> bool:
        """Whether it can carry no exchange any more."""
        return self._failure is not None or self._transport.is_closing()

    @property
    def is_reusable(self) -> bool:
        """Whether its answer was read to the end and another exchange may follow."""
        return self._complete and not self._body and self._keep_alive and not self.is_lost

    def abort(self) -> None:
        """Drop it; the socket is closed one turn of the event loop later."""
        self._transport.abort()

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, why: str) -> None:
        self._failure = self._failure or httpx.RemoteProtocolError(why)
        self._transport.abort()
        self._wake()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        """Parse what came; hold the server back when it is too far ahead of the reader."""
        if not self._has_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return self._fail("the answer is not HTTP")
        if not self._has_head and self._head_bytes > _MOST_HEAD_BYTES:
            return self._fail("the headers are too large")
        if self._waiting > _MOST_WAITING_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        return self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of an answer whose length nobody gave, else a failure unless the answer is complete."""
        if self._has_head and exc is None and not _is_delimited(self._headers):
            self._complete = True
        self._failure = self._failure or httpx.RemoteProtocolError("the connection was closed")
        self._wake()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Refuse an answer to a request that was never sent."""
        if self._complete:
            raise httptools.HttpParserError("an answer that nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The answer is admitted, unless it is only the announcement of one."""
        self._interim = self._parser.get_status_code() < 200
        self._has_head = not self._interim
        if self._interim:
            self._headers.clear()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._body.append(body)
        self._waiting += len(body)

    def on_message_complete(self) -> None:
        """The answer is complete."""
        if not self._interim:
            self._complete = True
            self._keep_alive = self._parser.should_keep_alive()


def _is_delimited(headers: Headers) -> bool:
    return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in headers)
