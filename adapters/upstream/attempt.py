"""One attempt at an answer: sends the request and turns the server's bytes into events, within time limits."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar

import httpx
import msgspec

from adapters.upstream.body import kind_of
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.multipart import Upload
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.sse import EventTooLarge, SseParser
from adapters.upstream.timed_response import MAX_ANSWER_BYTES, TOO_LARGE, TimedResponse

Event = TypeVar("Event")
Event_co = TypeVar("Event_co", covariant=True)

_log = logging.getLogger(__name__)


class Attempt(Protocol):
    """One request and its answer."""

    @property
    def status(self) -> int | None:
        """The status of the response, once there is one."""

    async def open(self, transport: httpx.AsyncBaseTransport, request: httpx.Request) -> None:
        """Send the request and wait for the first content. Raises ``AdapterError``."""

    async def aclose(self) -> None:
        """Close the connection."""


class ResponseReader(Protocol[Event_co]):
    """Turns one answer of a server into the contract's events; each method raises ``AdapterError``."""

    @property
    def done(self) -> bool:
        """Whether the answer is complete; only usage may follow."""

    def feed(self, data: bytes, name: str | None = None) -> Iterator[Event_co]:
        """The events of one server-sent event with this data and name."""

    def whole(self, data: bytes) -> Iterator[Event_co]:
        """The events of an answer that was not streamed."""

    def finish(self, *, marked: bool = False) -> Iterator[Event_co]:
        """The last events; ``marked`` says that the server sent ``[DONE]``: the answer is complete in any case."""


class CompletionCall(msgspec.Struct, Generic[Event], frozen=True, kw_only=True):
    """A request for an answer: ``body`` goes to ``path``, ``make_reader`` makes the reader of one attempt.

    The body goes as JSON, or with an ``upload`` as a form with that file.
    """

    path: str
    body: dict[str, Any]
    make_reader: Callable[[], ResponseReader[Event]]
    ignored: tuple[str, ...] = ()
    upload: Upload | None = None


class ResponseStream(Generic[Event]):
    """Iterates over the content events and ``Finished``; ``aclose`` has closed the socket when it returns.

    ``deadline`` is the event loop's time at which the whole answer is given up.
    """

    def __init__(
        self, errors: ErrorFactory, options: UpstreamOptions, call: CompletionCall[Event], deadline: float
    ) -> None:
        self._errors = errors
        self._reader = call.make_reader()
        self._response = TimedResponse(errors, options, deadline, streamed=bool(call.body.get("stream")))
        self._marked = False  # by [DONE]
        self._over = False
        self._parser = SseParser(MAX_ANSWER_BYTES)
        self._events: Iterator[Event] = iter(())

    @property
    def status(self) -> int | None:
        """The status of the response, once there is one."""
        return self._response.status

    async def open(self, transport: httpx.AsyncBaseTransport, request: httpx.Request) -> None:
        """Send the request and wait for the first content event. Raises ``AdapterError``."""
        headers = await self._response.open(transport, request)
        self._events = await self._begin(headers)
        first = await anext(self, None)
        self._events = chain([] if first is None else [first], self._events)
        self._response.begun()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        """The next event. Raises ``AdapterError``."""
        while True:
            for event in self._events:
                return event
            if self._over:
                raise StopAsyncIteration
            self._events = await self._more()

    async def aclose(self) -> None:
        """Close the connection, unless the answer was read to its end; harmless when called twice."""
        await self._response.aclose()

    async def _begin(self, headers: httpx.Headers) -> Iterator[Event]:
        """The events of the first bytes, which show whether the answer is streamed: content types are often wrong."""
        kind, first = await kind_of(self._read)
        match kind:
            case "events":
                return self._parse(first)
            case "json":
                document = await self._response.read_rest(first)
                self._over = True
                return chain(self._reader.whole(document), self._reader.finish())
            case "html":
                declared = headers.get("content-type", "text/html")
                raise self._errors.upstream_error(f"answered with {declared!r} instead of JSON or events")

    async def _more(self) -> Iterator[Event]:
        """The events of the next bytes; at the end the last events, after the connection was released."""
        if chunk := await self._read():
            return self._parse(chunk)
        self._over = True
        await self.aclose()
        return chain(self._parse(None), self._finish())

    async def _read(self) -> bytes:
        if self._reader.done:
            self._response.complete()
        return await self._response.read()

    def _parse(self, chunk: bytes | None) -> Iterator[Event]:
        try:
            received = self._parser.close() if chunk is None else self._parser.feed(chunk)
        except EventTooLarge as error:
            raise self._errors.upstream_error(TOO_LARGE) from error
        for event in received:
            if event.is_done:
                self._marked = True
                self._response.complete()
            else:
                yield from self._reader.feed(event.data, event.name)

    def _finish(self) -> Iterator[Event]:
        if self._marked and not self._reader.done:
            _log.info("an upstream server ended its answer with [DONE] and no finish reason: it counts as complete")
        yield from self._reader.finish(marked=self._marked)
