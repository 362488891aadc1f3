"""Events of a session on their way to its client, as frames of a WebSocket, within a bound of what it has not read."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec
from litestar.exceptions import WebSocketDisconnect
from litestar.types import Send

from gateway.http.socket_messages import SocketMessages
from gateway.realtime.protocol.response_events import OutputAudioDelta
from gateway.realtime.protocol.server_events import ServerEvent

HELD_BYTES = 4_000_000
"""With more of frames that the client has not read, nothing more is taken of what it asks for: a minute of audio."""

MOST_WAITING_BYTES = 8_000_000
"""Of such frames at most: what is told without being asked for comes too fast, or the client does not read."""

LONGEST_FRAME_BYTES = 1024 * 1024
"""Some clients take shorter frames only."""

AT_ONCE_BYTES = 64 * 1024
"""Of frames that are sent together: whether the client reads is looked at before each such piece."""

Encode = Callable[[ServerEvent], Iterable[bytes]]
"""The frames of an event."""


def frames_of(event: ServerEvent) -> Iterable[bytes]:
    """The frame of an event."""
    return (frame_of(event),)


def frame_of(event: Any) -> bytes:
    """The frame of an event as it is told; an item that would be too long is shown without its images."""
    frame = msgspec.json.encode(event)
    if len(frame) < LONGEST_FRAME_BYTES:
        return frame
    told = msgspec.to_builtins(event)
    for part in told.get("item", {}).get("content", ()):
        part.pop("image_url", None)
    return msgspec.json.encode(told)


class FrameWriter:
    """Sends the events of one session, those of one moment together, audio at once, and then with ``send`` the close.

    ``run`` waits for the end; ``backlogged`` ends when the client does not read. While it has much to read, what it
    asks waits.
    """

    def __init__(self, messages: SocketMessages, send: Send, encode: Encode) -> None:
        self._messages = messages
        self._send = send
        self._encode = encode
        self._frames: deque[bytes] = deque()
        self._waiting = 0
        self._is_due = False
        self._ending: tuple[int, str] | None = None
        self._is_over = asyncio.Event()
        self._backlog = asyncio.Event()

    def send(self, event: ServerEvent) -> None:
        """Send an event, after those before it."""
        if self._ending is not None or self._backlog.is_set():
            return
        if self._waiting > MOST_WAITING_BYTES:
            self._backlog.set()
            self._frames.clear()
            return
        for frame in self._encode(event):
            self._frames.append(frame)
            self._count(len(frame))
        if isinstance(event, OutputAudioDelta):
            self._write()
        elif not self._is_due:
            self._is_due = True
            loop = asyncio.get_running_loop()
            # Steps of the loop later: the task of an answer, and that which asks its model, come before the telling.
            loop.call_soon(loop.call_soon, loop.call_soon, self._write)

    def clear_playback(self) -> None:
        """The client plays what it gets: there is nothing to clear."""

    def close(self, code: int, reason: str) -> None:
        """Close once everything is sent."""
        self._ending = self._ending or (code, reason)
        self._write()

    async def run(self) -> None:
        """Wait until the client is gone, or the session is closed: then it is told, after everything before."""
        await self._is_over.wait()
        if self._ending is not None:
            code, reason = self._ending
            with suppress(OSError, WebSocketDisconnect):  # the client is gone, which the reader learns as well
                await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def _write(self) -> None:
        """Send what the client can take now."""
        self._is_due = False
        try:
            while self._frames and self._messages.takes_more(self._write):
                frames = self._next()
                self._messages.send_texts(frames)
                self._count(-sum(map(len, frames)))
        except OSError:  # the client is gone, which the reader learns as well
            self._is_over.set()
        if self._ending is not None and not self._frames:
            self._is_over.set()

    def _count(self, more: int) -> None:
        """So many bytes more wait; with too many the client's next messages wait, too."""
        was_held = self._waiting > HELD_BYTES
        self._waiting += more
        if (held := self._waiting > HELD_BYTES) != was_held:
            self._messages.hold(held=held)

    def _next(self) -> list[bytes]:
        frames, size = [self._frames.popleft()], 0
        while self._frames and (size := size + len(frames[-1])) < AT_ONCE_BYTES:
            frames.append(self._frames.popleft())
        return frames

    async def backlogged(self) -> None:
        """Wait until the client is too far behind."""
        await self._backlog.wait()
