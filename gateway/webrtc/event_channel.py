"""Events of a call over its data channel, within a bound of what the client has not read."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.realtime.driver import new_id
from gateway.realtime.protocol.client_events import ClientEvent
from gateway.realtime.protocol.server_events import Error, ErrorBody, ServerEvent
from gateway.realtime.session.event_reader import read_event
from gateway.realtime.session.inputs import Refused

MOST_WAITING_BYTES = 2_000_000
"""Of events that the client has not read."""

FLUSH_SECONDS = 1.0
"""How long the last events may take before the call ends."""

BINARY = Refused(message="Events are JSON in text messages; this message is binary.", code="invalid_event")


class EventChannel:
    """Sends events once the channel is there; ``receive`` is called with the client's."""

    def __init__(self, receive: Callable[[ClientEvent | Refused], None]) -> None:
        self.overrun = asyncio.Event()
        """Set once the client is too far behind."""
        self._receive = receive
        self._channel: Any = None
        self._waiting: deque[str] = deque()
        self._size = 0

    def attach(self, channel: Any) -> None:
        """Use ``channel``, an open one of the client; a second one is not used."""
        if self._channel is not None:
            return
        self._channel = channel
        channel.on("message", self._message)
        waiting, self._waiting = self._waiting, deque()
        for text in waiting:
            self._transmit(text)

    def send(self, event: ServerEvent) -> None:
        """Send an event, after those before it."""
        text = msgspec.json.encode(event).decode()
        if self._channel is not None:
            self._transmit(text)
            return
        self._size += len(text)
        if self._size > MOST_WAITING_BYTES:
            self.overrun.set()
        else:
            self._waiting.append(text)

    async def flush(self) -> None:
        """Wait until everything was sent, for a moment."""
        channel = self._channel
        if channel is None or channel.readyState != "open" or not channel.bufferedAmount:
            return
        sent = asyncio.Event()
        channel.on("bufferedamountlow", sent.set)
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await sent.wait()
        except TimeoutError:
            return

    def _transmit(self, text: str) -> None:
        if self._channel.readyState != "open" or self.overrun.is_set():
            return
        if self._channel.bufferedAmount > MOST_WAITING_BYTES:
            self.overrun.set()
            return
        try:
            self._channel.send(text)
        except ValueError:  # longer than a message of the client's may be
            self._channel.send(msgspec.json.encode(_too_long(len(text))).decode())

    def _message(self, message: str | bytes) -> None:
        self._receive(read_event(message) if isinstance(message, str) else BINARY)


def _too_long(size: int) -> Error:
    message = f"An event of {size} bytes is too long for the data channel; connect a WebSocket with ?call_id= for it."
    body = ErrorBody(type="invalid_request_error", code="event_too_long", message=message, param=None, event_id=None)
    return Error(event_id=new_id("event"), error=body)
