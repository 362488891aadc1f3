"""One request and its answer: what the application receives, and what it sends as bytes of HTTP/1.1."""

import asyncio
import logging
import re
import socket
import struct
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol, cast

import msgspec
from litestar.types import ASGIApp, HTTPReceiveMessage, HTTPScope, Message

from adapters.contract.errors import Unavailable
from gateway.engines.queue import RETRY_SECONDS
from gateway.http.errors import answer_of
from gateway.http.request_id import request_id
from gateway.http.streaming import CONNECTION
from gateway.server.request_parser import RequestHead
from gateway.telemetry.log_format import where

logger = logging.getLogger(__name__)

HIGH_WATER_BYTES = 64 * 1024
"""How much of a body may wait for the application before the connection is read no further."""

BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
"""Statuses whose answers have no content."""

HOP_BY_HOP = {b"connection", b"transfer-encoding"}
"""Headers that describe the connection, which only the server knows; the application's are left out."""

Headers = Iterable[tuple[bytes, bytes]]

_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_is_name = lru_cache(maxsize=256)(re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch)  # there are few


def scope_of(
    head: RequestHead, client: tuple[str, int] | None, server: tuple[str, int], state: dict[str, Any], scheme: str
) -> HTTPScope:
    """The request as the application gets it: of a HEAD it sees a GET, whose content is not sent (RFC 9110 9.3.2).

    Raises ``HTTPException`` when the target is none.
    """
    path, raw_path, query = head.path()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.http_version,
        "method": "GET" if head.method == "HEAD" else head.method,
        "scheme": scheme,
        "path": path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": head.headers,
        "client": client,
        "server": server,
        "state": state,
    }
    return cast(HTTPScope, scope)


def reset_when_closed(transport: asyncio.Transport) -> None:
    """Have the client told, when ``transport`` is closed, that the connection broke."""
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class Connection(Protocol):
    """What an exchange asks of the connection that it is on."""

    def write(self, data: bytes) -> bool:
        """Send ``data``; whether the client has read enough to be sent more."""

    async def drain(self) -> None:
        """Wait until it has read enough."""

    def read_on(self, exchange: "Exchange") -> None:
        """The application waits for the body, or for the client to leave."""

    def answered(self, exchange: "Exchange") -> None:
        """The last byte of the answer has been written."""

    def cut(self, exchange: "Exchange") -> None:
        """Half an answer has been written, and no more will come."""


class Exchange:
    """A request whose head has been read, up to the last byte of its answer.

    ``body_bytes``: how long the body is said to be, 0 when it comes in chunks.
    ``keep_alive``: another request may follow on the connection. ``request_complete`` and ``complete``: the last byte
    of the body has arrived, the last byte of the answer is written.
    """

    def __init__(self, connection: Connection, head: RequestHead, scope: HTTPScope, default_headers: Headers) -> None:
        self.keep_alive = head.keep_alive
        self.body_bytes = int(head.header(b"content-length") or 0)
        self.request_complete = False
        self.started = False
        self.complete = False
        self._connection = connection
        self._scope = scope
        self._default_headers = default_headers
        self._head_only = head.method == "HEAD"
        self._expects_continue = head.header(b"expect").lower() == b"100-continue"
        self._disconnected = False
        self._changed = asyncio.Event()
        self._body = bytearray()
        self._body_received = False
        self._bodiless = False
        self._left: Callable[[], None] | None = None  # is called when the client leaves
        self._owed: int | None = None  # bytes of the answer that are still owed; None when it is sent in chunks
        self._chunked = False
        self._held = b""  # what goes out with the next piece: the head, or a piece after which the end may come at once

    @property
    def delimited_by_close(self) -> bool:
        """Whether the end of the connection is the only sign of the answer's end."""
        return self.started and not self._chunked and self._owed is None

    def feed(self, data: bytes) -> bool:
        """Take more of the body; whether as much waits for the application as may."""
        self._body += data
        self._changed.set()
        return len(self._body) > HIGH_WATER_BYTES

    def end_request(self) -> None:
        """The body is complete."""
        self.request_complete = True
        self._changed.set()

    def disconnect(self) -> None:
        """The client has gone, or nothing more is sent to it."""
        self._disconnected = True
        self._changed.set()
        self._tell_left()

    async def run(self, app: ASGIApp) -> None:
        """Let the application answer; whatever happens to it, the client learns of it."""
        cast(Any, self._scope)["extensions"] = {CONNECTION: self}
        try:
            await app(self._scope, self._receive, self.send)
        except asyncio.CancelledError:  # only a shutdown that waits no longer does this
            self._fail(Unavailable("The gateway is shutting down; try again shortly.", retry_after=RETRY_SECONDS))
        except Exception as error:  # noqa: BLE001  the application's own handler has answered what it could
            logger.error("%s failed unexpectedly: %s", request_id(self._scope), where(error))
            self._fail(error)
        else:
            self._fail(None)
        finally:
            cast(Any, self._scope)["extensions"].clear()  # else both would keep each other in memory

    def _fail(self, error: Exception | None) -> None:
        if self.complete or self._disconnected:
            return
        if self.started:
            self.cut()
        else:
            self.refuse(error or RuntimeError("the application has not answered"))

    def cut(self) -> None:
        """End half an answer: what there is of it is sent, and no more will come."""
        self._flush()
        self._connection.cut(self)

    def refuse(self, error: Exception) -> None:
        """Answer with a failure; nothing has been sent yet."""
        answer = answer_of(error, self._scope)
        body = msgspec.json.encode(answer.body)
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "x-request-id": request_id(self._scope),
            **answer.headers,
        }
        self._start(
            answer.status, [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        )
        self._write(body, more=False)

    async def _receive(self) -> HTTPReceiveMessage:
        if self._expects_continue and not self.started:
            self._expects_continue = False
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self._disconnected or self.complete):
            if not self._body_received and (self._body or self.request_complete):
                body, self._body = bytes(self._body), bytearray()
                self._body_received = self.request_complete
                return {"type": "http.request", "body": body, "more_body": not self.request_complete}
            self._changed.clear()
            self._connection.read_on(self)
            await self._changed.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send a message of the application, when the client can take it."""
        await self._connection.drain()
        if self._disconnected:
            return
        if message["type"] == "http.response.start" and not self.started:
            self._start(message["status"], message["headers"])
        elif message["type"] == "http.response.body" and self.started and not self.complete:
            self._write(message["body"], more=message["more_body"])
        else:
            raise RuntimeError(f"The application sent {message['type']!r} out of order.")

    def when_left(self, left: Callable[[], None] | None) -> None:
        """Call ``left`` when the client leaves, soon if it has left already; ``None``: do not call it any more."""
        self._left = left
        if left is not None and self._disconnected:
            asyncio.get_running_loop().call_soon(self._tell_left)
        elif left is not None:
            self._connection.read_on(self)

    def _tell_left(self) -> None:
        if self._left is not None:
            self._left()

    def offer(self, body: bytes) -> bool:
        """Send a piece of the body of an answer that has begun; whether the client can take more at once."""
        if self._disconnected or self._bodiless or not body:
            return not self._disconnected
        data = b"%x\r\n%s\r\n" % (len(body), body) if self._chunked else body
        if self._held:
            data, self._held = self._held + data, b""
        return self._connection.write(data)

    def _start(self, status: int, headers: Headers) -> None:
        head = [b"HTTP/1.1 %d %s\r\n" % (status, _reason(status))]
        for name, value in (*self._default_headers, *headers):
            if not _is_name(name) or not _VALUE.fullmatch(value):
                raise RuntimeError("The application sent a header with a character that is not allowed in one.")
            if (lower := name.lower()) in HOP_BY_HOP:
                continue
            head.append(b"%s: %s\r\n" % (name, value))
            if lower == b"content-length":
                self._owed = int(value)
            elif lower == b"upgrade":  # of this connection only, which has to be said (RFC 9110 7.8)
                head.append(b"connection: upgrade\r\n")
        self._bodiless = self._head_only or status in BODILESS
        if self._owed is None and not self._bodiless:
            # HTTP/1.0 knows no chunks: there the end of the connection ends the answer (RFC 9112 6.3).
            self._chunked = self._scope["http_version"] == "1.1"
            self.keep_alive = self.keep_alive and self._chunked
            head += [b"transfer-encoding: chunked\r\n"] * self._chunked
        # What is left of a body that nobody reads would be taken for the next request: the connection ends.
        self.keep_alive = self.keep_alive and self.request_complete
        head += [b"connection: close\r\n"] * (not self.keep_alive)
        self.started = True
        self._hold(b"".join([*head, b"\r\n"]))

    def _hold(self, data: bytes) -> None:
        """Send ``data`` with what follows in this step, else by itself: each write wakes a client."""
        self._held = data
        asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._connection.write(held)

    def _write(self, body: bytes, *, more: bool) -> None:
        if self._bodiless:
            data = b""
        elif self._chunked:
            data = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            data += b"" if more else b"0\r\n\r\n"
        else:
            data = body
            if self._owed is not None:
                self._owed -= len(body)
                if self._owed < 0 or (self._owed and not more):
                    raise RuntimeError("The application's answer is not as long as its Content-Length.")
        if more and data and not self._held:
            self._hold(data)
        elif data := self._held + data:
            self._held = b""
            self._connection.write(data)
        if not more:
            self.complete = True
            self._changed.set()
            self._connection.answered(self)


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:  # such as 499
        return b""
