"""The one streaming response: refusals have a real status, a client that leaves is noticed, closing is awaited.

Litestar's own stream cancels its generator when a client leaves, so that awaits in a ``finally`` are cut short, and
does not notice a client that leaves before the first byte.
"""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any, cast

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from adapters.contract.errors import Unavailable
from adapters.upstream.wait_limit import WaitExpired, WaitLimit
from gateway.http.errors import ErrorAnswer, field_names, stream_error
from gateway.tasks import race

logger = logging.getLogger(__name__)

PING_SECONDS = 15.0
"""How long an event stream may be silent before a comment keeps the connection alive."""

LAST_EVENT_SECONDS = 1.0
"""How long a client may take to make room for the event that says that the server ends."""

SERVER_SEND = "speech_gateway.send"
"""The extension of a scope with the server's own ``send``: Litestar's layers around it look at the head only."""

SERVER_OFFER = "speech_gateway.offer"
"""The extension with what sends a piece of the body at once, and says whether the client can take more."""

PING = b": ping\n\n"

EVENT_STREAM = "text/event-stream; charset=utf-8"
"""The content type of an answer that comes as server-sent events."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first output is there: the status line goes out, with these headers beside the usual ones."""

    headers: dict[str, str]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that may be sent once there is a ``Head``: a refusal can still come and needs a real status."""

    data: bytes


Part = Held | Head | bytes


def server_sent_event(event: msgspec.Struct | ErrorAnswer) -> bytes:
    """One event: ``data:`` and a line of JSON; no other field, older clients choke on those."""
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


class ClientRelay:
    """Sends bytes to the client of ``scope`` without a task, once its answer has begun: a ``Relay`` of the contract."""

    def __init__(self, offer: Callable[[bytes], bool]) -> None:
        self._offer = offer
        self._now = asyncio.get_running_loop().time
        self.since = 0.0

    @classmethod
    def of(cls, scope: Scope) -> "ClientRelay | None":
        """That of a request, if its server can do that."""
        offer = (cast(Any, scope).get("extensions") or {}).get(SERVER_OFFER)
        return None if offer is None else cls(offer)

    def __call__(self, data: bytes) -> bool:
        """Send ``data``; whether the client can take more at once."""
        self.since = self._now()
        return self._offer(data)


class Streaming(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent. ``parts`` are any number of ``Held``, one ``Head``, then bytes.

    In an ``EVENT_STREAM`` a late failure becomes one more event, ``failed`` says which, and silence is filled with
    comments. In any other content a late failure cuts the connection, so that nobody takes half an answer for a whole
    one. A ``relay`` may send bytes between those of ``parts``.
    """

    parts: AsyncGenerator[Part, None]
    content_type: str
    failed: Callable[[ErrorAnswer], bytes] = server_sent_event
    relay: ClientRelay | None = None


class StreamingResponse(Response[None]):
    """Sends the status line with the ``Head``; a failure before it is raised and becomes a real 4xx or 5xx."""

    def __init__(self, streaming: Streaming) -> None:
        super().__init__(None)
        self.streaming = streaming

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> ASGIResponse:
        """The response as ASGI application."""
        return _StreamingASGI(self.streaming)


class _StreamingASGI(ASGIResponse):
    def __init__(self, streaming: Streaming) -> None:
        super().__init__()
        self._streaming = streaming
        self._events = streaming.content_type == EVENT_STREAM
        self._begun = False
        self._silent_since = math.inf  # the loop's time when it had sent something; while it sends, it is not silent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        write = (cast(Any, scope).get("extensions") or {}).get(SERVER_SEND, send)
        try:
            await race(self._send(scope, send, write), self._watch(receive, write))
        except asyncio.CancelledError:  # the server ends; before the first byte it answers with a status
            if self._events and self._begun:
                error = Unavailable("The gateway is shutting down; the answer is cut short.")
                with suppress(TimeoutError):
                    async with asyncio.timeout(LAST_EVENT_SECONDS):
                        await self._end_with(write, stream_error(error, field_names(scope)))
            raise

    async def _send(self, scope: Scope, send: Send, write: Send) -> None:
        async with aclosing(self._streaming.parts) as parts:
            held = b""
            while not isinstance(part := await anext(parts), Head):
                assert isinstance(part, Held), "no bytes before the head"
                held += part.data
            await send({"type": "http.response.start", "status": 200, "headers": self._headers(part)})
            self._begun = True
            try:
                if held:
                    await self._deliver(write, held)
                async for part in parts:
                    assert isinstance(part, bytes), "nothing but bytes after the head"
                    await self._deliver(write, part)
            except Exception as error:  # noqa: BLE001  whatever it is, the client must learn of it
                answer = stream_error(error, field_names(scope))
                logger.warning("a stream failed after its first byte: %s", type(error).__name__)
                if self._events:  # else the last chunk is left out: the server cuts the connection
                    await self._end_with(write, answer)
                return
        await write({"type": "http.response.body", "body": b"", "more_body": False})

    async def _end_with(self, send: Send, answer: ErrorAnswer) -> None:
        await self._deliver(send, self._streaming.failed(answer))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _deliver(self, send: Send, chunk: bytes) -> None:
        self._silent_since = math.inf
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._silent_since = asyncio.get_running_loop().time()

    async def _watch(self, receive: Receive, send: Send) -> None:
        """Fill silence with comments; ends when the client has gone. The server ends those that do not read."""
        now = asyncio.get_running_loop().time
        waits = WaitLimit()
        try:
            gone = False
            while not gone:
                try:
                    gone = (await waits.wait(now() + PING_SECONDS / 4, receive()))["type"] == "http.disconnect"
                except WaitExpired:  # to look now and then is cheaper than a timer a chunk
                    if self._events and now() - self._last_sent() >= PING_SECONDS:
                        await self._deliver(send, PING)
        finally:
            waits.stop()

    def _last_sent(self) -> float:
        relay = self._streaming.relay
        return self._silent_since if relay is None else max(self._silent_since, relay.since)

    def _headers(self, head: Head) -> list[tuple[bytes, bytes]]:
        headers = {
            "content-type": self._streaming.content_type,
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
            **head.headers,
        }
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
