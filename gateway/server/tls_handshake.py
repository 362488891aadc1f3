"""A connection before it is encrypted: it is counted among the others, and its handshake may take so long only."""

import asyncio
import math
import os
import socket
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
        self._since = math.inf
        self._agreeing: asyncio.Task[None]
        self.counts_as: Client | None = None

    @property
    def idle_rank(self) -> tuple[bool, float] | None:
        """Such a connection gives way as one does whose request is half read."""
        return True, self._since

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake, or close the connection when there are too many: without TLS nothing can be said."""
        self.counts_as = self._places.client(transport.get_extra_info("peername"))
        accepted = cast(asyncio.Transport, transport)
        # The loop must not read here what is the handshake's: its transport goes, the connection stays.
        try:
            if self._places.refusal(self.counts_as, self._state.connections) is None:
                connection = socket.socket(fileno=os.dup(accepted.get_extra_info("socket").fileno()))
                self._since = asyncio.get_running_loop().time()
                self._state.connections.add(cast(Any, self))
                self._agreeing = run_among(self._state.tasks, self._agree(connection))
        except OSError:
            pass  # no more files can be open
        accepted.abort()

    def sweep(self) -> None:
        """The handshake has a time limit of its own."""

    def shutdown(self) -> None:
        """Nothing is being answered."""
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._state.connections.discard(cast(Any, self))
        self._agreeing.cancel()

    async def _agree(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Encrypted(self._encrypted),
                connection,
                ssl=self._context,
                ssl_handshake_timeout=limits.HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=limits.LINGER_SECONDS,
            )
        except (OSError, asyncio.CancelledError):  # too slow, gone, no TLS at all; or the server needs the place
            connection.close()
        finally:
            self._state.connections.discard(cast(Any, self))

    def _encrypted(self, transport: asyncio.Transport) -> None:
        self._state.connections.discard(cast(Any, self))
        protocol = self._protocol()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


class _Encrypted(asyncio.Protocol):
    """Has ``begin`` called with the transport when the handshake is complete."""

    def __init__(self, begin: Callable[[asyncio.Transport], None]) -> None:
        self._begin = begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is complete."""
        self._begin(cast(asyncio.Transport, transport))
