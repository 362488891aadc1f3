"""One attempt at an answer: sends the request and turns the server's bytes into events, within time limits."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, Protocol

import httpx
import msgspec

from adapters.contract import llm
from adapters.contract.errors import AdapterError
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.sse import EventTooLarge, SseParser

_END_SECONDS = 0.5  # for the usage and the end of an answer that is otherwise complete
_ERROR_SECONDS = 5.0
_MAX_ANSWER_BYTES = 8 * 1024 * 1024  # of one event, and of an answer that is not streamed
_MAX_ERROR_BYTES = 64 * 1024


class ResponseReader(Protocol):
    """Turns one answer of a server into the contract's events; each method raises ``AdapterError``."""

    @property
    def done(self) -> bool:
        """Whether the answer is complete; only usage may follow."""

    def feed(self, data: bytes) -> Iterator[llm.Event]:
        """The events of the data of one server-sent event."""

    def whole(self, data: bytes) -> Iterator[llm.Event]:
        """The events of an answer that was not streamed."""

    def finish(self) -> Iterator[llm.Event]:
        """The last events."""


class CompletionCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request for an answer: ``body`` goes as JSON to ``path``, ``make_reader`` makes the reader of one attempt."""

    path: str
    body: dict[str, Any]
    make_reader: Callable[[], ResponseReader]
    ignored: tuple[str, ...] = ()


class ResponseStream:
    """Iterates over the content events and ``Finished``; ``aclose`` has closed the socket when it returns.

    ``deadline`` is the event loop's time at which the whole answer is given up.
    """

    def __init__(self, errors: ErrorFactory, options: UpstreamOptions, reader: ResponseReader, deadline: float) -> None:
        self.status: int | None = None
        self._errors = errors
        self._options = options
        self._reader = reader
        self._now = asyncio.get_running_loop().time
        self._deadline = deadline
        self._first_by = min(deadline, self._now() + options.responses_api_first_token_timeout)
        self._end_by: float | None = None
        self._begun = False
        self._over = False
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes]
        self._parser = SseParser(_MAX_ANSWER_BYTES)
        self._events: Iterator[llm.Event] = iter(())

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
        await self._accept(self._response, streamed=streamed)
        self._chunks = self._response.aiter_bytes()
        if not streamed:
            self._events = await self._read_whole()
        first = await anext(self, None)
        self._events = chain([] if first is None else [first], self._events)
        self._begun = True

    def __aiter__(self) -> AsyncIterator[llm.Event]:
        return self

    async def __anext__(self) -> llm.Event:
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

    async def _more(self) -> Iterator[llm.Event]:
        """The events of the next bytes; at the end the last events, after the connection was released."""
        if chunk := await self._read():
            return self._parse(chunk)
        self._over = True
        await self.aclose()
        return chain(self._parse(None), self._reader.finish())

    def _parse(self, chunk: bytes | None) -> Iterator[llm.Event]:
        try:
            received = self._parser.close() if chunk is None else self._parser.feed(chunk)
        except EventTooLarge as error:
            raise self._errors.upstream_error("sent an answer that is too large to read") from error
        for event in received:
            if event.data == b"[DONE]":
                self._end_by = self._end_by or self._now() + _END_SECONDS
            else:
                yield from self._reader.feed(event.data)

    async def _read_whole(self) -> Iterator[llm.Event]:
        """The events of an answer that is not streamed."""
        body = bytearray()
        while chunk := await self._read():
            body += chunk
            if len(body) > _MAX_ANSWER_BYTES:
                raise self._errors.upstream_error("sent an answer that is too large to read")
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
                return await anext(self._chunks, b"")
        except TimeoutError as error:
            if self._end_by is None:
                raise self._timed_out() from error
        except httpx.HTTPError as error:
            if self._end_by is None:
                raise self._cut() from error
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

    async def _accept(self, response: httpx.Response, *, streamed: bool) -> None:
        """Check the status and the content type. Raises ``AdapterError``."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        expected = "text/event-stream" if streamed else "application/json"
        if response.is_success and kind in (expected, ""):
            return
        error = await _error_body(response)
        if not response.is_success:
            raise self._errors.refused(error, response.status_code, response.headers)
        if isinstance(error, dict) and error.get("error"):
            raise self._errors.reported(error)
        hint = "; if it cannot stream, set --responses_api_stream false" if streamed else ""
        raise self._errors.upstream_error(f"answered with {kind[:80]!r} instead of {expected!r}{hint}")


async def _error_body(response: httpx.Response) -> Any:
    body = bytearray()
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_ERROR_SECONDS):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) >= _MAX_ERROR_BYTES:
                    break
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
