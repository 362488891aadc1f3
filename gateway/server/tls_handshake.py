"""A connection before it is encrypted: it is counted among the others, and its handshake may take so long only."""

import asyncio
import math
import ssl
from collections.abc import Callable
from typing import Any, cast

from uvicorn.server import ServerState

from gateway.server import limits
from gateway.server.connection_limits import ConnectionLimits
from gateway.server.forwarded import Client
from gateway.tasks import run_among


class TLSHandshake(asyncio.Protocol):
    """Agrees with a client on TLS as ``context`` says, then lets ``protocol`` have the connection.

    The event loop's own TLS server tells nobody of connections whose handshake is not complete, so that they would
    have no limit in number.
    """

    is_websocket = False

    def __init__(
        self,
        protocol: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext,
        state: ServerState,
        places: ConnectionLimits,
    ) -> None:
        self._protocol = protocol
        self._context = context
        self._state = state
        self._places = places
        self._early = bytearray()
        self._transport: asyncio.Transport
        self._since = math.inf
        self.counts_as: Client | None = None

    @property
    def idle_rank(self) -> tuple[bool, float] | None:
        """Such a connection gives way as one does whose request is half read."""
        return True, self._since

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake, or close the connection when there are too many: without TLS nothing can be said."""
        self._transport = cast(asyncio.Transport, transport)
        self.counts_as = self._places.client(transport.get_extra_info("peername"))
        if self._places.refusal(self.counts_as, self._state.connections):
            self._transport.abort()
            return
        self._since = asyncio.get_running_loop().time()
        self._state.connections.add(cast(Any, self))
        self._transport.pause_reading()
        run_among(self._state.tasks, self._agree())

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._state.connections.discard(cast(Any, self))

    def data_received(self, data: bytes) -> None:
        """Keep what was sent together with the end of the handshake."""
        self._early += data

    def sweep(self) -> None:
        """The handshake has a time limit of its own."""

    def shutdown(self) -> None:
        """Nothing is being answered."""
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._state.connections.discard(cast(Any, self))
        self._transport.abort()

    async def _agree(self) -> None:
        try:
            encrypted = await asyncio.get_running_loop().start_tls(
                self._transport,
                self,
                self._context,
                server_side=True,
                ssl_handshake_timeout=limits.HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=limits.LINGER_SECONDS,
            )
        except (OSError, ssl.SSLError):  # too slow, gone, or no TLS at all
            self.abort()
            return
        self._state.connections.discard(cast(Any, self))
        if encrypted is None or encrypted.is_closing():
            return
        protocol = self._protocol()
        encrypted.set_protocol(protocol)
        protocol.connection_made(encrypted)
        if self._early:
            protocol.data_received(bytes(self._early))
