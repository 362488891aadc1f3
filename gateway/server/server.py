"""The server of the gateway: uvicorn's, with our protocol, and an end that answers whoever is still waiting."""

import asyncio
import logging
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, cast

import uvicorn
from litestar.types import ASGIApp
from uvicorn.server import ServerState

from gateway.server import limits
from gateway.server.connection_limits import ConnectionLimits
from gateway.server.forwarded import ForwardedHeaders, TrustedProxies
from gateway.server.protocol import HTTPProtocol
from gateway.server.tls_handshake import TLSHandshake
from gateway.server.websocket import WebSocketProtocol
from gateway.settings.model import GatewaySettings
from gateway.tasks import CLOSING_SECONDS

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)

TICKS_PER_SWEEP = 10
"""uvicorn ticks ten times a second; limits on time are looked at once."""

POLL_SECONDS = 0.02
"""How often a server that ends looks whether everything has been answered."""

FLUSH_SECONDS = 1.0
"""How long connections may take to read their last answers when no more time is left."""


class GatewayServer(uvicorn.Server):
    """Serves ``app`` until ``should_exit``, SIGINT or SIGTERM. A second signal ends the process at once.

    ``tls`` encrypts connections. ``stop`` is called when the end begins: the application is to refuse new work. SIGHUP
    has ``reload`` called, where the system knows that signal. Raises ``BadOption`` for a proxy that is none.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: GatewaySettings,
        tls: ssl.SSLContext | None = None,
        stop: Callable[[], None] = lambda: None,
        reload: Callable[[], None] | None = None,
    ) -> None:
        self._stop = stop
        self._reload = reload
        self._ending = False
        proxies = TrustedProxies(settings.forwarded_allow_ips)
        self._tls = tls
        self._places = ConnectionLimits(
            total=settings.max_connections,
            per_client=settings.max_connections_per_client,
            websockets=settings.max_websockets,
            proxies=proxies,
        )
        config = uvicorn.Config(
            cast(Any, app if proxies.empty else ForwardedHeaders(app, proxies)),
            http=cast(Any, self._connection),
            ws=WebSocketProtocol,
            ws_max_size=limits.MESSAGE_BYTES,
            ws_ping_interval=limits.PING_SECONDS,
            ws_ping_timeout=limits.PING_SECONDS,
            ws_per_message_deflate=False,  # audio does not shrink, and each connection would keep two windows
            log_config=None,
            log_level="warning",
            access_log=False,  # query strings may hold prompts
            server_header=False,
            proxy_headers=False,  # ForwardedHeaders reads them
        )
        super().__init__(config)
        self._shutdown_seconds = settings.shutdown_seconds
        self._ended_by = "the application"

    def _connection(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> asyncio.Protocol:
        """What serves a new connection; with TLS, its handshake comes first."""

        def plain() -> HTTPProtocol:
            return HTTPProtocol(config, server_state, app_state, places=self._places, ending=lambda: self._ending)

        return plain() if self._tls is None else TLSHandshake(plain, self._tls, server_state, self._places)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in order at the first signal; leave the second one to the system."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        if self._reload is not None and sys.platform != "win32":
            # The loop calls it: between two steps of its tasks, not in the middle of one.
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in order; another signal ends the process."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        self.end(signal.Signals(sig).name)

    def end(self, by: str) -> None:
        """End in order, as at a first signal."""
        self._ended_by = by
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to end."""
        if counter % TICKS_PER_SWEEP == 0:
            self._sweep()
        return await super().on_tick(counter)

    def _sweep(self) -> None:
        for connection in list(cast(set[Any], self.server_state.connections)):
            connection.sweep()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what runs finish for ``shutdown_seconds``, then cut it, which answers it.

        Meanwhile the port stays open: a balancer that asks ``/ready`` is told, and so is who sends new work.
        """
        logger.info("shutting down: ended by %s", self._ended_by)
        self._ending = True
        self._stop()
        deadline = asyncio.get_running_loop().time() + self._shutdown_seconds
        self._close_idle()
        await self._until(lambda: not self.server_state.tasks, deadline)
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        self._close_idle()
        await self._until(self._drained, deadline)
        if tasks := list(self.server_state.tasks):
            logger.warning("%d requests are cut: they did not end within --shutdown_seconds", len(tasks))
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=CLOSING_SECONDS)
            await self._until(self._drained, asyncio.get_running_loop().time() + FLUSH_SECONDS)
        for remaining in list(cast(set[Any], self.server_state.connections)):
            remaining.abort()
        await self.lifespan.shutdown()

    def _close_idle(self) -> None:
        for connection in list(self.server_state.connections):
            connection.shutdown()

    def _drained(self) -> bool:
        """Nothing is served, and every connection is closed."""
        return not self.server_state.tasks and not self.server_state.connections

    async def _until(self, condition: Callable[[], bool], deadline: float) -> None:
        """Wait for ``condition``, until ``deadline`` on the loop's clock at most."""
        while not condition() and asyncio.get_running_loop().time() < deadline:
            self._sweep()
            await asyncio.sleep(POLL_SECONDS)
