"""One HTTP/1.1 connection: sends a request and parses the response with httptools as its bytes arrive."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools
import httpx

_MAX_HEAD_BYTES = 64 * 1024  # of headers, and of trailers or whatever else is not a body
_MAX_UNREAD_BYTES = 256 * 1024  # of a body; above it, reading from the socket pauses

Headers = list[tuple[bytes, bytes]]


class Connection(asyncio.Protocol):
    """Carries one request after another: ``send``, then ``read`` until it returns ``b""``, or ``abort``."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None
        self._failure: httpx.TransportError | None = None
        self._paused = False
        self._take: Callable[[bytes], bool] | None = None
        self._reset()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._head_bytes = 0  # since the last byte of a body
        self._has_head = False
        self._interim = False  # a 1xx response, which the final response follows
        self._body: deque[bytes] = deque()
        self._unread = 0
        self._complete = False
        self._keep_alive = False

    async def send(self, request: bytes) -> tuple[int, Headers]:
        """Send a request and wait for the status and headers of the response. Raises ``httpx.TransportError``."""
        self._reset()
        self._transport.write(request)
        while not self._has_head:
            await self._arrival()
        return self._parser.get_status_code(), self._headers

    async def read(self) -> bytes:
        """All bytes of the body that have arrived since the last call, at least one; empty at the end.

        Raises ``httpx.TransportError``, after all bytes that arrived before the failure were read.
        """
        while not self._body and not self._complete:
            await self._arrival()
        return self._received()

    async def relay(self, take: Callable[[bytes], bool]) -> None:
        """Give the bytes of the body to ``take`` as they arrive, without waking the task, until that returns ``False``.

        Returns also when nothing more comes; ``read`` says why, and gives what came together with the end. Raises what
        ``take`` raises.
        """
        if self._body and not take(self._received()):
            return
        self._take = take
        try:
            while self._is_relaying:
                await self._arrival()
        finally:
            self._take = None

    @property
    def _is_relaying(self) -> bool:
        return self._take is not None and not self._complete and self._failure is None

    def _received(self) -> bytes:
        """What has arrived and was not read."""
        piece = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self._unread = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return piece

    @property
    def is_lost(self) -> bool:
        """Whether it cannot carry another request."""
        return self._failure is not None or self._transport.is_closing()

    @property
    def is_reusable(self) -> bool:
        """Whether its response was read to the end and another request may follow."""
        return self._complete and not self._body and self._keep_alive and not self.is_lost

    def abort(self) -> None:
        """Close it; the socket is closed in the next iteration of the event loop."""
        self._transport.abort()

    def _arrival(self) -> asyncio.Future[None]:
        """Is done when anything has come. Raises the failure after which nothing comes."""
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, why: str) -> None:
        self._failure = self._failure or httpx.RemoteProtocolError(why)
        self._transport.abort()
        self._wake()

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport of the new connection."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's class does not inherit from it

    def data_received(self, data: bytes) -> None:
        """Parse the bytes; pause reading when too many are unread."""
        self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("the response is not HTTP")
            return
        if self._head_bytes > _MAX_HEAD_BYTES:
            self._fail("the headers are too large")
            return
        if self._unread > _MAX_UNREAD_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        if (take := self._take) is not None and self._body and not self._complete:  # the end is for the reader
            try:
                if not take(self._received()):
                    self._take = None
            except Exception as error:  # noqa: BLE001  whatever it is, relay() raises it
                self._take = None
                if self._waiter is not None and not self._waiter.done():
                    self._waiter.set_exception(error)
        if self._take is None or self._complete:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of a response without a declared length; otherwise a failure, unless the response is complete."""
        if self._has_head and exc is None and not _is_delimited(self._headers):
            self._complete = True
        self._failure = self._failure or httpx.RemoteProtocolError("the connection was closed")
        self._wake()

    # Called by the parser

    def on_message_begin(self) -> None:
        """Refuse a response to a request that was never sent."""
        if self._complete:
            raise httptools.HttpParserError("a response without a request")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The response begins, unless this is an interim (1xx) one."""
        self._interim = self._parser.get_status_code() < 200
        self._has_head = not self._interim
        if self._interim:
            self._headers.clear()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._head_bytes = 0
        self._body.append(body)
        self._unread += len(body)

    def on_message_complete(self) -> None:
        """The response is complete."""
        if not self._interim:
            self._complete = True
            self._keep_alive = self._parser.should_keep_alive()


def _is_delimited(headers: Headers) -> bool:
    return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in headers)
