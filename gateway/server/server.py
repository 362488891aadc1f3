"""The server of the gateway: uvicorn's, with our protocol, and an end that answers whoever is still waiting."""

import asyncio
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn
from litestar.types import ASGIApp

from gateway.server.connection_limits import ConnectionLimits
from gateway.server.forwarded import ForwardedHeaders, TrustedProxies
from gateway.server.protocol import HTTPProtocol
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

    SIGHUP has ``reload`` called, where the system knows that signal. Raises ``BadOption`` for a proxy that is none.
    """

    def __init__(self, app: ASGIApp, settings: GatewaySettings, reload: Callable[[], None] | None = None) -> None:
        proxies = TrustedProxies(settings.forwarded_allow_ips)
        places = ConnectionLimits(
            total=settings.max_connections, per_client=settings.max_connections_per_client, proxies=proxies
        )
        config = uvicorn.Config(
            cast(Any, app if proxies.empty else ForwardedHeaders(app, proxies)),
            http=cast(Any, partial(HTTPProtocol, places=places)),
            log_config=None,
            log_level="warning",
            access_log=False,  # query strings may hold prompts
            server_header=False,
            proxy_headers=False,  # ForwardedHeaders reads them
        )
        super().__init__(config)
        self._shutdown_seconds = settings.shutdown_seconds
        self._ended_by = "the application"
        self._reload = reload

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
        self._ended_by = signal.Signals(sig).name
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to end."""
        if counter % TICKS_PER_SWEEP == 0:
            self._sweep()
        return await super().on_tick(counter)

    def _sweep(self) -> None:
        for connection in self._own_connections():
            connection.sweep()

    def _own_connections(self) -> list[HTTPProtocol]:
        """Those that are not WebSockets."""
        return [each for each in cast(set[Any], self.server_state.connections) if isinstance(each, HTTPProtocol)]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more; let what runs finish for ``shutdown_seconds``, then cut it, which answers it."""
        logger.info("shutting down: ended by %s", self._ended_by)
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._drained(self._shutdown_seconds)
        if tasks := list(self.server_state.tasks):
            logger.warning("%d requests are cut: they did not end within --shutdown_seconds", len(tasks))
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=CLOSING_SECONDS)
            await self._drained(FLUSH_SECONDS)
        for remaining in self._own_connections():
            remaining.abort()
        await self.lifespan.shutdown()

    async def _drained(self, seconds: float) -> None:
        """Wait until nothing is served and every connection is closed, for ``seconds`` at most."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (self.server_state.tasks or self.server_state.connections) and (
            asyncio.get_running_loop().time() < deadline
        ):
            self._sweep()
            await asyncio.sleep(POLL_SECONDS)
