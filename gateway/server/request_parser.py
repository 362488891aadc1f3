"""Reads requests from the bytes of a connection, within bounds on everything but the body.

httptools parses, because it does so in C: one read full of tiny chunks takes 12 ms, where h11 would hold the event loop
for 700 ms. What it lacks is here: it has no bounds, and it takes a body beside any ``Upgrade`` for another protocol.
"""

from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote

import httptools
import msgspec
from litestar.exceptions import HTTPException

from gateway.server import limits

Headers = list[tuple[bytes, bytes]]


class RequestHead(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a request. ``keep_alive``: the client may ask again on the same connection."""

    method: str
    target: bytes
    headers: Headers
    http_version: str
    keep_alive: bool

    def header(self, name: bytes) -> bytes:
        """The last value of a header, empty when there is none."""
        return dict(self.headers).get(name, b"")

    def path(self) -> tuple[str, bytes, bytes]:
        """The path decoded and as it came, and the query. Raises ``HTTPException``."""
        try:
            url = httptools.parse_url(self.target)
        except httptools.HttpParserInvalidURLError:
            raise HTTPException(status_code=HTTPStatus.BAD_REQUEST, detail="Invalid request target.") from None
        raw = url.path or b"/"
        return unquote(raw.decode("latin-1")), raw, url.query or b""

    def encoded(self, *, but: bytes = b"") -> bytes:
        """The head as bytes, without the header ``but``."""
        lines = [b"%s %s HTTP/%s" % (self.method.encode(), self.target, self.http_version.encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != but]
        return b"\r\n".join([*lines, b"", b""])


NO_HEAD = RequestHead(method="", target=b"/", headers=[], http_version="1.0", keep_alive=False)
"""Stands for the head of a request that is refused before it has come."""


class Receiver(Protocol):
    """Who is told of requests; what it raises ends the parsing and is raised by ``RequestParser.feed``."""

    def request_begins(self) -> None:
        """The first byte of a request has come."""

    def head_received(self, head: RequestHead) -> None:
        """The head is complete."""

    def body_received(self, data: bytes) -> None:
        """More of the body has come."""

    def request_received(self) -> None:
        """The last byte of the request has come."""

    def upgraded(self, head: RequestHead, rest: bytes) -> bool:
        """Whether the connection is another protocol's from now on; ``rest`` is what came behind the head."""


class RequestParser:
    """Feeds the ``receiver``."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: Headers = []
        self._in_head = True
        self._head_bytes = 0  # of the headers that are being read
        self._body = bytearray()  # what has been parsed since it was last passed on
        self._body_bytes = 0  # of the request that is being read
        self._other_bytes = 0
        self._body_bytes_fed = 0  # of the data that is being parsed

    def feed(self, data: bytes) -> None:
        """Parse ``data``. Raises ``HTTPException`` for what is malformed or too long; there is no more after that."""
        self._body_bytes_fed = 0
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, HTTPException):
                raise error.__context__ from None
            raise HTTPException(
                status_code=HTTPStatus.BAD_REQUEST, detail="We could not parse your request: it is not valid HTTP/1.1."
            ) from None
        self._other_bytes += len(data) - self._body_bytes_fed
        if self._other_bytes > limits.MAX_HEAD_BYTES + limits.FRAMING_BYTES * self._body_bytes:
            raise _headers_too_long()

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
            self._pass_body_on()
        except httptools.HttpParserUpgrade as upgrade:
            head, rest = self._head(), data[upgrade.args[0] :]
            if head.method == "CONNECT":
                raise HTTPException(
                    status_code=HTTPStatus.METHOD_NOT_ALLOWED, detail="Not allowed to CONNECT."
                ) from None
            if not self._receiver.upgraded(head, rest):
                # A server may ignore Upgrade (RFC 9110 7.8): as if the header were not there, the body is read.
                self._parser = httptools.HttpRequestParser(self)
                self._parse(head.encoded(but=b"upgrade") + rest)

    def _head(self) -> RequestHead:
        version = self._parser.get_http_version()
        return RequestHead(
            method=self._parser.get_method().decode("ascii"),
            target=self._target,
            headers=self._headers,
            http_version=version,
            keep_alive=version == "1.1" and self._parser.should_keep_alive(),
        )

    # httptools calls these.

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._target, self._headers, self._head_bytes, self._in_head = b"", [], 0, True
        self._body_bytes = self._other_bytes = 0
        self._receiver.request_begins()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url
        if len(self._target) > limits.MAX_TARGET_BYTES:
            raise HTTPException(
                status_code=HTTPStatus.REQUEST_URI_TOO_LONG,
                detail=f"The URL is longer than {limits.MAX_TARGET_BYTES} bytes; send the fields as a form or as JSON.",
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those behind a body (trailers) are not used."""
        if not self._in_head:
            return
        self._headers.append((name.lower(), value))
        size = len(name) + len(value)
        self._head_bytes += size
        if len(self._headers) > limits.MAX_HEADERS or size > limits.MAX_HEADER_BYTES:
            raise _headers_too_long()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        if self._head_bytes > limits.MAX_HEAD_BYTES:
            raise _headers_too_long()
        if not self._parser.should_upgrade():
            self._in_head = False
            self._receiver.head_received(self._head())

    def on_body(self, data: bytes) -> None:
        """A piece of the body, which may be a single byte."""
        self._body += data

    def on_message_complete(self) -> None:
        """The last byte of a request; of one with ``Upgrade``, of its head."""
        if not self._in_head:
            self._pass_body_on()
            self._receiver.request_received()

    def _pass_body_on(self) -> None:
        if self._body:
            body, self._body = bytes(self._body), bytearray()
            self._body_bytes += len(body)
            self._body_bytes_fed += len(body)
            self._receiver.body_received(body)


def _headers_too_long() -> HTTPException:
    return HTTPException(
        status_code=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        detail=f"The headers are too long: at most {limits.MAX_HEADERS}, of {limits.MAX_HEADER_BYTES} bytes each and "
        f"{limits.MAX_HEAD_BYTES} bytes together.",
    )
