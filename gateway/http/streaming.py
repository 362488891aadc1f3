"""The one streaming response: refusals have a real status, a client that leaves is noticed, closing is awaited.

Litestar's own stream cancels its generator when a client leaves, so that awaits in a ``finally`` are cut short, and
does not notice a client that leaves before the first byte.
"""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, Protocol, cast

import msgspec
from litestar.types import Message, Receive, Scope, Send

from adapters.contract.errors import Unavailable
from gateway.http.errors import ErrorAnswer, field_names, stream_error

logger = logging.getLogger(__name__)

PING_SECONDS = 15.0
"""How long an event stream may be silent before a comment keeps the connection alive."""

LAST_EVENT_SECONDS = 1.0
"""How long a client may take to make room for the event that says that the server ends."""

CONNECTION = "speech_gateway.connection"
"""The extension of a scope with the ``ClientConnection`` of the request."""

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


class ClientConnection(Protocol):
    """The connection to the client of a request: what ASGI does not offer, or only in a task of its own."""

    async def send(self, message: Message) -> None:
        """Send ``message`` past the layers of the framework, which look at the head of an answer only."""

    def offer(self, body: bytes) -> bool:
        """Send a piece of the body of an answer that has begun; whether the client can take more at once."""

    def when_left(self, left: Callable[[], None] | None) -> None:
        """Call ``left`` when the client leaves, soon if it has left already; ``None``: do not call it any more."""


def connection_of(scope: Scope) -> ClientConnection:
    """The connection on which a request came; the gateway's own server gives it."""
    connection: ClientConnection = cast(Any, scope)["extensions"][CONNECTION]
    return connection


class ClientRelay:
    """Sends bytes to a client without a task, once its answer has begun: a ``Relay`` of the contract.

    ``since`` is the loop's time of what it sent last.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._offer = connection.offer
        self._now = asyncio.get_running_loop().time
        self.since = 0.0

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


class StreamingResponse:
    """Sends the status line with the ``Head``; a failure before it is raised and becomes a real 4xx or 5xx.

    An ASGI application, which Litestar calls and asks no more of.
    """

    def __init__(self, streaming: Streaming) -> None:
        self._streaming = streaming
        self._events = streaming.content_type == EVENT_STREAM
        self._begun = False
        self._silent_since = math.inf  # the loop's time when it had sent something; while it sends, it is not silent
        self._given_up = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        self._client = connection_of(scope)
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None, "a request is served by a task"
        before = task.cancelling()
        # A client that leaves ends the answer from outside: a task that waits for it would cost more than all of this.
        self._client.when_left(partial(self._give_up, task))
        self._look_again()
        try:
            await self._send(scope, send)
        except asyncio.CancelledError:
            if self._given_up and task.uncancel() <= before:
                return
            if self._events and self._begun:  # the server ends; before the first byte it answers with a status
                error = Unavailable("The gateway is shutting down; the answer is cut short.")
                with suppress(TimeoutError):
                    async with asyncio.timeout(LAST_EVENT_SECONDS):
                        await self._end_with(stream_error(error, field_names(scope)))
            raise
        finally:
            self._timer.cancel()
            self._client.when_left(None)

    async def _send(self, scope: Scope, send: Send) -> None:
        async with aclosing(self._streaming.parts) as parts:
            held = b""
            while not isinstance(part := await anext(parts), Head):
                assert isinstance(part, Held), "no bytes before the head"
                held += part.data
            await send({"type": "http.response.start", "status": 200, "headers": self._headers(part)})
            self._begun = True
            try:
                if held:
                    await self._deliver(held)
                async for part in parts:
                    assert isinstance(part, bytes), "nothing but bytes after the head"
                    await self._deliver(part)
            except Exception as error:  # noqa: BLE001  whatever it is, the client must learn of it
                answer = stream_error(error, field_names(scope))
                logger.warning("a stream failed after its first byte: %s", type(error).__name__)
                if self._events:  # else the last chunk is left out: the server cuts the connection
                    await self._end_with(answer)
                return
        await self._client.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _end_with(self, answer: ErrorAnswer) -> None:
        await self._deliver(self._streaming.failed(answer))
        await self._client.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _deliver(self, chunk: bytes) -> None:
        self._silent_since = math.inf
        await self._client.send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._silent_since = self._loop.time()

    def _give_up(self, task: "asyncio.Task[Any]") -> None:
        """End the answer: nobody reads it. What produces it is closed as by any other cancellation."""
        if not self._given_up:
            self._given_up = True
            task.cancel()

    def _look_again(self) -> None:
        """Look now and then, which is cheaper than a timer a chunk, whether there was silence for too long."""
        self._timer = self._loop.call_later(PING_SECONDS / 4, self._look)

    def _look(self) -> None:
        """Fill silence with a comment. The server ends connections whose clients do not read."""
        relay = self._streaming.relay
        since = self._silent_since if relay is None else max(self._silent_since, relay.since)
        if self._events and self._loop.time() - since >= PING_SECONDS:
            self._client.offer(PING)
            self._silent_since = self._loop.time()
        self._look_again()

    def _headers(self, head: Head) -> list[tuple[bytes, bytes]]:
        headers = {
            "content-type": self._streaming.content_type,
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
            **head.headers,
        }
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
