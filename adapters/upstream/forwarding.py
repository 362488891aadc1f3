"""Passes the bytes of an answer on as the server sent them, while an observer sees what has to be known of them."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import httpx
import msgspec

from adapters.contract.passthrough import Passed, Relay
from adapters.upstream.body import kind_of
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.sse import EventSplitter, EventTooLarge
from adapters.upstream.timed_response import MAX_ANSWER_BYTES, TOO_LARGE, TimedResponse
from adapters.upstream.untrusted_text import MIN_SECRET

_END_OF_EVENT = b"\n\n"  # clients drop a last event without it
_MAX_HELD_BYTES = 64 * 1024  # of events before the first content: what is more is passed on


class Observer(Protocol):
    """Looks at the answer of one server as it passes by."""

    @property
    def begun(self) -> bool:
        """Whether there was content."""

    @property
    def thinks(self) -> bool:
        """Whether all content so far is that the model thinks, which may take long and be silent."""

    @property
    def answer_id(self) -> str | None:
        """The server's id of the answer, once it was seen."""

    @property
    def done(self) -> bool:
        """Whether the answer is complete, or failed; only usage may follow."""

    @property
    def awaits_usage(self) -> bool:
        """Whether the client wants usage that has not come yet."""

    @property
    def end(self) -> bytes:
        """What has to end a complete stream whose server has not ended it; empty once it has."""

    def see(self, events: bytes) -> bytes:
        """Look at whole events; what of them the client gets. Raises ``AdapterError`` for a failure before content."""

    def see_document(self, document: bytes) -> None:
        """Look at an answer that is not streamed. Raises ``AdapterError`` for anything else."""

    def finish(self) -> Passed:
        """The end. Raises ``AdapterError`` when the answer is not complete."""


class ForwardCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request whose answer is passed on: ``body`` goes as JSON to ``path``; each attempt has its own observer.

    The end of an answer that is ``recorded`` comes with ``Passed``. A ``relay`` is that of the ``PassRequest``.
    """

    path: str
    body: dict[str, Any]
    make_observer: Callable[[], Observer]
    recorded: bool = False
    relay: Relay | None = None


class ForwardedStream:
    """``read`` until it is empty, then ``finish``; ``aclose`` has closed the socket when it returns."""

    def __init__(
        self, errors: ErrorFactory, options: UpstreamOptions, call: ForwardCall, deadline: float, key: str
    ) -> None:
        self._errors = errors
        self._observer = call.make_observer()
        self._streamed = call.body.get("stream") is True
        self._response = TimedResponse(errors, options, deadline, streamed=self._streamed)
        self._recorded = call.recorded
        self._relay = call.relay
        self._key = key.encode() if len(key) >= MIN_SECRET else None
        self._as_it_came = self._key is None and not self._recorded
        self._splitter = EventSplitter(MAX_ANSWER_BYTES)
        self._held = b""
        self._last = b""
        self._over = False

    @property
    def status(self) -> int | None:
        """The status of the response, once there is one."""
        return self._response.status

    @property
    def answer_id(self) -> str | None:
        """The server's id of the answer, once there was content."""
        return self._observer.answer_id

    async def open(self, transport: httpx.AsyncBaseTransport, request: httpx.Request) -> None:
        """Send the request and wait for the first content. Raises ``AdapterError``."""
        headers = await self._response.open(transport, request)
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
        if self._over:
            self._observer.finish()  # else another attempt may complete it
        self._response.begun(thinks=self._observer.thinks)

    async def _open_document(self, first: bytes) -> None:
        document = await self._response.read_rest(first)
        self._over = True
        self._observer.see_document(document)
        if self._streamed:
            raise self._errors.upstream_error("answered with one document instead of events")
        self._held = self._for_client(document)

    async def read(self) -> bytes:
        """The next bytes for the client; empty at the end. Raises ``AdapterError``.

        From the second call on, what comes is first given to the relay, if there is one.
        """
        if held := self._held:
            self._held = b""
            return held
        if self._relay is not None and not self._over and not self._observer.done:
            await self._response.relay(partial(self._relayed, self._relay))
        while not self._over:
            if passed := await self._more():
                return passed
        return b""

    def finish(self) -> Passed:
        """What is known at the end. Raises ``AdapterError`` when the answer was not complete."""
        passed = self._observer.finish()
        return msgspec.structs.replace(passed, last=self._last) if self._last else passed

    async def aclose(self) -> None:
        """Close the connection, unless the answer was read to its end; harmless when called twice."""
        await self._response.aclose()

    async def _more(self) -> bytes:
        if self._observer.done:
            self._response.complete(more_is_wanted=self._observer.awaits_usage)
        if chunk := await self._response.read():
            return self._pass(chunk)
        self._over = True
        await self.aclose()
        # Half an event is of no use: the client is told that the answer was cut.
        rest = b"" if self._response.cut_short else self._splitter.rest
        passed = self._for_client(self._observer.see(rest + _END_OF_EVENT)) if rest.strip() else rest
        if not self._observer.done:
            return b""
        return passed + self._observer.end if self._response.cut_short else passed

    def _relayed(self, relay: Relay, chunk: bytes) -> bool:
        """Pass ``chunk`` on to ``relay``; whether to go on like that. The end of an answer is for the reader."""
        passed = self._pass(chunk)
        wants_more = relay(passed) if passed else True
        return wants_more and not self._observer.done

    def _pass(self, chunk: bytes) -> bytes:
        try:
            events = self._splitter.feed(chunk)
        except EventTooLarge as error:
            raise self._errors.upstream_error(TOO_LARGE) from error
        if not events:
            return b""
        seen = self._observer.see(events)
        return seen if self._as_it_came else self._for_client(seen)

    def _for_client(self, data: bytes) -> bytes:
        """What the client gets of ``data`` now; what ends an answer that is kept, it gets once that is done."""
        if self._key and self._key in data:
            data = data.replace(self._key, b"***")
        if self._recorded and self._observer.done:
            self._last += data
            return b""
        return data
