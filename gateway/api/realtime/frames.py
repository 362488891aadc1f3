"""Events of a session on their way to its client, as frames of a WebSocket, within a bound of what it has not read."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec
from litestar.exceptions import WebSocketDisconnect
from litestar.types import Send

from gateway.realtime.protocol.server_events import ServerEvent

MOST_WAITING_BYTES = 4_000_000
"""Of frames that the client has not read: half a minute of audio, and more than any burst of events."""

AT_ONCE_BYTES = 64 * 1024
"""Of frames that are sent together: whether the client reads is looked at before each such piece."""

Encode = Callable[[ServerEvent], Iterable[bytes]]
"""The frames of an event."""

SendTexts = Callable[[Sequence[bytes]], Awaitable[None]]


def frames_of(event: ServerEvent) -> Iterable[bytes]:
    """The frame of an event."""
    yield msgspec.json.encode(event)


class FrameWriter:
    """Sends the events of one session, those of one moment together, and then with ``send`` the close.

    ``run`` does it; ``backlogged`` ends when the client reads too slowly.
    """

    def __init__(self, send_texts: SendTexts, send: Send, encode: Encode) -> None:
        self._send_texts = send_texts
        self._send = send
        self._encode = encode
        self._frames: deque[bytes] = deque()
        self._waiting = 0
        self._ending: tuple[int, str] | None = None
        self._news = asyncio.Event()
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
            self._waiting += len(frame)
        self._news.set()

    def clear_playback(self) -> None:
        """The client plays what it gets: there is nothing to clear."""

    def close(self, code: int, reason: str) -> None:
        """Close once everything is sent."""
        self._ending = self._ending or (code, reason)
        self._news.set()

    async def run(self) -> None:
        """Send until the session is closed or the client is gone."""
        try:
            while True:
                while self._frames:
                    frames = self._next()
                    await self._send_texts(frames)
                    self._waiting -= sum(map(len, frames))
                if self._ending is not None:
                    code, reason = self._ending
                    await self._send({"type": "websocket.close", "code": code, "reason": reason})
                    return
                self._news.clear()
                await self._news.wait()
        except (OSError, WebSocketDisconnect):  # the client is gone, which the reader learns as well
            return

    def _next(self) -> list[bytes]:
        frames, size = [self._frames.popleft()], 0
        while self._frames and (size := size + len(frames[-1])) < AT_ONCE_BYTES:
            frames.append(self._frames.popleft())
        return frames

    async def backlogged(self) -> None:
        """Wait until the client is too far behind."""
        await self._backlog.wait()
