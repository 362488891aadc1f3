"""One attempt at an answer: sends the request and turns the server's bytes into events, within time limits."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar

import httpx
import msgspec

from adapters.contract.errors import AdapterError
from adapters.upstream.body import Body, UnreadableBody, kind_of
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.lenient_json import UnreadableJson, decode_any
from adapters.upstream.multipart import Upload, encode_form
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.sse import EventTooLarge, SseParser

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Of one event, and of an answer that is not streamed."""

MAX_ERROR_BYTES = 64 * 1024

_MAX_STREAM_BYTES = 64 * 1024 * 1024  # of all events of one answer
_END_SECONDS = 0.5  # for the usage and the end of an answer that is otherwise complete
_ERROR_SECONDS = 5.0
_TOO_LARGE = "sent an answer that is too large to read"

Event = TypeVar("Event")
Event_co = TypeVar("Event_co", covariant=True)

_log = logging.getLogger(__name__)


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

    def encoded(self) -> tuple[str, bytes]:
        """The content type and the bytes of the body."""
        if self.upload is not None:
            return encode_form(self.body, self.upload)
        return "application/json", msgspec.json.encode(self.body)


class ResponseStream(Generic[Event]):
    """Iterates over the content events and ``Finished``; ``aclose`` has closed the socket when it returns.

    ``deadline`` is the event loop's time at which the whole answer is given up.
    """

    def __init__(
        self, errors: ErrorFactory, options: UpstreamOptions, reader: ResponseReader[Event], deadline: float
    ) -> None:
        self.status: int | None = None
        self._errors = errors
        self._options = options
        self._reader = reader
        self._now = asyncio.get_running_loop().time
        self._deadline = deadline
        self._first_by = min(deadline, self._now() + options.responses_api_first_token_timeout)
        self._end_by: float | None = None
        self._marked = False  # by [DONE]
        self._received = 0
        self._begun = False
        self._over = False
        self._response: httpx.Response | None = None
        self._body: Body
        self._parser = SseParser(MAX_ANSWER_BYTES)
        self._events: Iterator[Event] = iter(())

    async def open(self, client: httpx.AsyncClient, request: httpx.Request, *, streamed: bool) -> None:
        """Send the request and wait for the first content event. Raises ``AdapterError``."""
        if not streamed:
            self._first_by = self._deadline
        try:
            async with asyncio.timeout_at(self._first_by):
                self._response = await client.send(request, stream=True)
        except TimeoutError as error:
            raise self._timed_out() from error
        except httpx.HTTPError as error:
            raise self._errors.no_response(error) from error
        self.status = self._response.status_code
        self._body = Body(self._response)
        if not self._response.is_success:
            raise self._errors.refused(await self._error_body(self._response), self._response)
        self._events = await self._begin(self._response)
        first = await anext(self, None)
        self._events = chain([] if first is None else [first], self._events)
        self._begun = True

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
        if self._response is not None:
            await self._response.aclose()

    async def _begin(self, response: httpx.Response) -> Iterator[Event]:
        """The events of the first bytes, which show whether the answer is streamed: content types are often wrong."""
        kind, first = await kind_of(self._read)
        match kind:
            case "events":
                return self._parse(first)
            case "json":
                return await self._read_whole(first)
            case "html":
                declared = response.headers.get("content-type", "text/html")
                raise self._errors.upstream_error(f"answered with {declared!r} instead of JSON or events")

    async def _more(self) -> Iterator[Event]:
        """The events of the next bytes; at the end the last events, after the connection was released."""
        if chunk := await self._read():
            return self._parse(chunk)
        self._over = True
        await self.aclose()
        return chain(self._parse(None), self._finish())

    def _parse(self, chunk: bytes | None) -> Iterator[Event]:
        try:
            received = self._parser.close() if chunk is None else self._parser.feed(chunk)
        except EventTooLarge as error:
            raise self._errors.upstream_error(_TOO_LARGE) from error
        for event in received:
            if event.is_done:
                self._marked = True
                self._end_by = self._end_by or self._now() + _END_SECONDS
            else:
                yield from self._reader.feed(event.data, event.name)

    def _finish(self) -> Iterator[Event]:
        if self._marked and not self._reader.done:
            _log.info("an upstream server ended its answer with [DONE] and no finish reason: it counts as complete")
        yield from self._reader.finish(marked=self._marked)

    async def _read_whole(self, first: bytes) -> Iterator[Event]:
        """The events of an answer that is not streamed."""
        body = bytearray(first)
        while chunk := await self._read():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise self._errors.upstream_error(_TOO_LARGE)
        self._over = True
        await self.aclose()
        return chain(self._reader.whole(bytes(body)), self._reader.finish())

    async def _read(self) -> bytes:
        """The next bytes; empty once a complete answer has ended in whatever way. Raises ``AdapterError``."""
        if self._reader.done:
            self._end_by = self._end_by or self._now() + _END_SECONDS
        # The time limit covers only the wait for the server: a slow reader on our side is not the server's fault.
        try:
            async with asyncio.timeout_at(self._limit()[0]):
                chunk = await self._body.read()
        except TimeoutError as error:
            if self._end_by is None:
                raise self._timed_out() from error
        except httpx.HTTPError as error:
            if self._end_by is None:
                raise self._cut() from error
        except UnreadableBody as error:
            if self._end_by is None:
                raise self._errors.upstream_error(str(error)) from error
        else:
            self._received += len(chunk)
            if self._received > _MAX_STREAM_BYTES:
                raise self._errors.upstream_error(_TOO_LARGE)
            return chunk
        return b""

    def _limit(self) -> tuple[float, str]:
        """The time until which the server may be silent, and the setting that says so."""
        if self._end_by is not None:
            return self._end_by, ""
        if not self._begun:
            return self._first_by, "deadline" if self._first_by == self._deadline else "first_token_timeout"
        gap = self._now() + self._options.responses_api_gap_timeout
        return min((self._deadline, "deadline"), (gap, "gap_timeout"))

    def _timed_out(self) -> AdapterError:
        return self._errors.timed_out(self._limit()[1])

    def _cut(self) -> AdapterError:
        if self._begun:
            return self._errors.upstream_error("cut the connection in the middle of its answer")
        return self._errors.unavailable("closed the connection without an answer")

    async def _error_body(self, response: httpx.Response) -> Any:
        """The decoded body of an error; plain text is its message, ``None`` is a body that cannot be read."""
        body = bytearray()
        with suppress(TimeoutError, httpx.HTTPError, UnreadableBody):
            async with asyncio.timeout(_ERROR_SECONDS):
                while len(body) < MAX_ERROR_BYTES and (chunk := await self._body.read()):
                    body += chunk
        try:
            return decode_any(bytes(body))
        except UnreadableJson:
            is_text = response.headers.get("content-type", "").lower().startswith("text/plain")
            return body.decode(errors="replace") if is_text else None
