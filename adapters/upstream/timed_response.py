"""One request to a server and the bytes of its response, within time limits."""

import asyncio
from contextlib import suppress
from typing import Any

import httpx

from adapters.contract.errors import AdapterError
from adapters.contract.passthrough import Relay
from adapters.upstream.body import Body, UnreadableBody
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.lenient_json import UnreadableJson, decode_any
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.wait_limit import WaitExpired, WaitLimit

MAX_ANSWER_BYTES = 36 * 1024 * 1024
"""Of one event, and of an answer that is not streamed: pictures are in them, as they are in requests of this size."""

MAX_ERROR_BYTES = 64 * 1024

TOO_LARGE = "sent an answer that is too large to read"

_MAX_STREAM_BYTES = 64 * 1024 * 1024  # of all events of one answer
_END_SECONDS = 0.5  # for the usage and the end of an answer that is otherwise complete
_WANTED_SECONDS = 10.0  # where the client has asked for that usage
_ERROR_SECONDS = 5.0


class TimedResponse:
    """``open`` it, ``read`` until it is empty; ``aclose`` has closed the socket when it returns.

    ``deadline`` is the event loop's time at which the whole answer is given up. What is not ``streamed`` has until then
    for its first bytes.
    """

    def __init__(self, errors: ErrorFactory, options: UpstreamOptions, deadline: float, *, streamed: bool) -> None:
        self.status: int | None = None
        self.cut_short = False
        """Whether it is complete, but its end did not come in time, or not at all."""
        self._errors = errors
        self._options = options
        self._now = asyncio.get_running_loop().time
        self._deadline = deadline
        first = self._now() + options.responses_api_first_token_timeout if streamed else deadline
        self._first_by = min(deadline, first)
        self._end_by: float | None = None
        self._begun = self._thinks = False
        self._received = 0
        self._response: httpx.Response | None = None
        self._body: Body
        self._waits = WaitLimit()

    async def open(self, transport: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Headers:
        """Send the request and give the headers of a success. Raises ``AdapterError``."""
        try:
            self._response = await self._waits.wait(self._first_by, transport.handle_async_request(request))
        except WaitExpired as error:
            raise self._timed_out() from error
        except httpx.HTTPError as error:
            raise self._errors.no_response(error) from error
        self._response.request = request
        self.status = self._response.status_code
        self._body = Body(self._response)
        if not self._response.is_success:
            raise self._errors.refused(await self._error_body(self._response), self._response)
        return self._response.headers

    def begun(self, *, thinks: bool = False) -> None:
        """The answer has begun: from now on a gap is what may last too long, after the next bytes if it ``thinks``."""
        self._begun, self._thinks = True, thinks

    def complete(self, *, more_is_wanted: bool = False) -> None:
        """The answer is complete: its end, in whatever way, is waited for a moment only."""
        end_by = self._now() + (_WANTED_SECONDS if more_is_wanted else _END_SECONDS)
        self._end_by = end_by if self._end_by is None else min(self._end_by, end_by)

    async def read(self) -> bytes:
        """The next bytes; empty once a complete answer has ended in whatever way. Raises ``AdapterError``."""
        # The time limit covers only the wait for the server: a slow reader on our side is not the server's fault.
        try:
            chunk = await self._waits.wait(self._limit()[0], self._body.read())
        except WaitExpired as error:
            if self._end_by is None:
                raise self._timed_out() from error
        except httpx.HTTPError as error:
            if self._end_by is None:
                raise self._cut() from error
        except UnreadableBody as error:
            if self._end_by is None:
                raise self._errors.upstream_error(str(error)) from error
        else:
            self._count(chunk)
            return chunk
        self.cut_short = True
        return b""

    async def relay(self, take: Relay) -> None:
        """Give what follows to ``take`` while it can take more; what is left is to be read, if only the end.

        Does nothing where the bytes have to be worked on. Raises ``AdapterError``, and what ``take`` raises.
        """
        relay = self._body.relay
        if relay is None or self._end_by is not None:
            return
        gap, deadline = self._options.responses_api_gap_timeout, self._deadline
        now, waits = self._now, self._waits

        def counted(chunk: bytes) -> bool:
            # Every event comes by here, so this is what ``_count`` and ``_limit`` do, without a call.
            self._received += len(chunk)
            if self._received > _MAX_STREAM_BYTES:
                raise self._errors.upstream_error(TOO_LARGE)
            until = now() + gap
            waits.until = until if until < deadline else deadline
            if self._thinks:
                self._thinks = False
                waits.keep()
            return take(chunk)

        try:
            await self._waits.wait(self._limit()[0], relay(counted))
        except WaitExpired as error:
            raise self._timed_out() from error

    def _count(self, chunk: bytes) -> None:
        self._thinks = False
        self._received += len(chunk)
        if self._received > _MAX_STREAM_BYTES:
            raise self._errors.upstream_error(TOO_LARGE)

    async def read_rest(self, first: bytes) -> bytes:
        """``first`` and all that follows, of an answer that is not streamed; then the connection is released."""
        body = bytearray(first)
        while chunk := await self.read():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise self._errors.upstream_error(TOO_LARGE)
        await self.aclose()
        return bytes(body)

    async def aclose(self) -> None:
        """Close the connection, unless the answer was read to its end; harmless when called twice."""
        self._waits.stop()
        if self._response is not None:
            await self._response.aclose()

    def _limit(self) -> tuple[float, str]:
        """The time until which the server may be silent, and the setting that says so."""
        if self._end_by is not None:
            return self._end_by, ""
        if not self._begun:
            return self._first_by, "deadline" if self._first_by == self._deadline else "first_token_timeout"
        if self._thinks:
            return self._deadline, "deadline"
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
