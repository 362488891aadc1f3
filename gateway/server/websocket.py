"""WebSockets: uvicorn's protocol, whose applications may say goodbye, and whose connections end."""

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_FRAME_BYTES = 24 * 1024 * 1024
"""The longest message: 15 MiB of audio in base64, and what stands around it."""

PING_SECONDS = 20.0
"""Between two pings, and how long a client may take to answer one: less than proxies keep a silent connection."""

GOODBYE_SECONDS = 1.0
"""How long applications may take to end when the server does."""

FLUSH_SECONDS = 10.0
"""How long a client may take to read what was sent to it before the connection is cut."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    def shutdown(self) -> None:
        """The server ends: applications were told, and what has not ended soon is closed."""
        self.loop.call_later(GOODBYE_SECONDS, self._close)

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """The application is done. What the client does not read keeps no connection open."""
        super().on_task_complete(task)
        self.loop.call_later(FLUSH_SECONDS, self._abort)

    def _close(self) -> None:
        if not self.disconnected:
            super().shutdown()

    def _abort(self) -> None:
        if not self.disconnected:
            self.transport.abort()
