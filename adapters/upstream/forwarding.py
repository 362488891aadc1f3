"""Passes the bytes of an answer on as the server sent them, while an observer sees what has to be known of them."""

import re
from collections.abc import Callable
from typing import Any, Protocol

import httpx
import msgspec

from adapters.contract.passthrough import Passed
from adapters.upstream.body import kind_of
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.sse import ServerSentEvent, SseParser
from adapters.upstream.timed_response import MAX_ANSWER_BYTES, TOO_LARGE, TimedResponse

_MAX_HELD_BYTES = 64 * 1024  # of events before the first content: what is more is passed on
_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r)", re.DOTALL)


class Observer(Protocol):
    """Looks at the answer of one server as it passes by."""

    @property
    def begun(self) -> bool:
        """Whether there was content."""

    @property
    def done(self) -> bool:
        """Whether the answer is complete; only usage may follow."""

    def see(self, events: bytes) -> bytes:
        """Look at whole events; what of them the client gets. Raises ``AdapterError`` for a failure before content."""

    def see_document(self, document: bytes) -> None:
        """Look at an answer that is not streamed. Raises ``AdapterError`` for anything else."""

    def finish(self) -> Passed:
        """The end. Raises ``AdapterError`` when the answer is not complete."""


class ForwardCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request whose answer is passed on: ``body`` goes as JSON to ``path``; each attempt has its own observer."""

    path: str
    body: dict[str, Any]
    make_observer: Callable[[], Observer]


class ForwardedStream:
    """``read`` until it is empty, then ``finish``; ``aclose`` has closed the socket when it returns."""

    def __init__(
        self, errors: ErrorFactory, options: UpstreamOptions, call: ForwardCall, deadline: float, secret: bytes
    ) -> None:
        self._errors = errors
        self._observer = call.make_observer()
        self._streamed = call.body.get("stream") is True
        self._response = TimedResponse(errors, options, deadline, streamed=self._streamed)
        self._secret = secret
        self._held = b""
        self._tail = b""  # an event whose end has not arrived yet
        self._over = False

    @property
    def status(self) -> int | None:
        """The status of the response, once there is one."""
        return self._response.status

    async def open(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        """Send the request and wait for the first content. Raises ``AdapterError``."""
        headers = await self._response.open(client, request)
        kind, first = await kind_of(self._response.read)
        if kind == "html":
            declared = headers.get("content-type", "text/html")
            raise self._errors.upstream_error(f"answered with {declared!r} instead of JSON or events")
        if kind == "json":
            await self._open_document(first)
        elif not self._streamed:
            raise self._errors.upstream_error("streamed an answer that was wanted as one document")
        else:
            self._held = self._pass(first)
            while not self._observer.begun and not self._over and len(self._held) < _MAX_HELD_BYTES:
                self._held += await self._more()
        self._response.begun()

    async def _open_document(self, first: bytes) -> None:
        document = await self._response.read_rest(first)
        self._over = True
        self._observer.see_document(document)
        if self._streamed:
            raise self._errors.upstream_error("answered with one document instead of events")
        self._held = self._without_secret(document)

    async def read(self) -> bytes:
        """The next bytes for the client; empty at the end. Raises ``AdapterError``."""
        if held := self._held:
            self._held = b""
            return held
        while not self._over:
            if passed := await self._more():
                return passed
        return b""

    def finish(self) -> Passed:
        """What is known at the end. Raises ``AdapterError`` when the answer was not complete."""
        return self._observer.finish()

    async def aclose(self) -> None:
        """Close the connection, unless the answer was read to its end; harmless when called twice."""
        await self._response.aclose()

    async def _more(self) -> bytes:
        if self._observer.done:
            self._response.complete()
        if chunk := await self._response.read():
            return self._pass(chunk)
        self._over = True
        await self.aclose()
        # Clients drop a last event without the blank line that ends it.
        rest = self._tail.rstrip(b"\r\n")
        return self._seen(rest + b"\n\n") if rest else b""

    def _pass(self, chunk: bytes) -> bytes:
        data = self._tail + chunk if self._tail else chunk
        end = _end_of_events(data)
        self._tail = data[end:]
        if len(self._tail) > MAX_ANSWER_BYTES:
            raise self._errors.upstream_error(TOO_LARGE)
        return self._seen(data[:end]) if end else b""

    def _seen(self, events: bytes) -> bytes:
        return self._without_secret(self._observer.see(events))

    def _without_secret(self, data: bytes) -> bytes:
        return data.replace(self._secret, b"***") if self._secret and self._secret in data else data


def _end_of_events(data: bytes) -> int:
    """The index behind the last blank line."""
    return max((data.rfind(mark) + len(mark) for mark in (b"\n\n", b"\r\n\r\n", b"\r\r") if mark in data), default=0)


def split_events(events: bytes) -> list[bytes]:
    """Whole events one by one, each with the blank line behind it."""
    return _EVENT.findall(events)


def event_in(event: bytes) -> ServerSentEvent | None:
    """Name and data of one event; ``None`` for a comment."""
    return next(iter(SseParser(2 * MAX_ANSWER_BYTES).feed(event)), None)
