"""Bounds the number of connections, in all, from one address, and as WebSockets."""

from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.contract.errors import Unavailable
from gateway.engines.queue import RETRY_SECONDS
from gateway.server.forwarded import Client, Headers, TrustedProxies


class ConnectionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many connections there may be, in all, from one address, and as WebSockets; ``None`` is no limit.

    A connection of one of ``proxies`` counts as that of the client whose request it carries, and as nobody's between
    requests.
    """

    total: int
    per_client: int | None
    websockets: int
    proxies: TrustedProxies = TrustedProxies(())

    def client(self, peer: Client | None) -> Client | None:
        """Whose connection one from ``peer`` is while it carries no request."""
        return None if peer is not None and self.proxies.trusts(peer[0]) else peer

    def client_of_request(self, peer: Client | None, headers: Headers, others: Iterable[Any]) -> Client | None:
        """Whose request with ``headers`` came from ``peer``. Raises ``Unavailable`` if that client has too many."""
        client = self.proxies.client(peer, headers)
        if client is not peer and (reason := self._client_refusal(client, others)):
            raise Unavailable(reason, retry_after=RETRY_SECONDS)
        return client

    def client_of_websocket(self, peer: Client | None, headers: Headers, others: Iterable[Any]) -> Client | None:
        """Whose WebSocket one from ``peer`` is. Raises ``Unavailable`` if there are too many, in all or of that client.

        Among ``others`` those count that have ``is_websocket``.
        """
        others = list(others)
        if (count := sum(other.is_websocket for other in others)) >= self.websockets:
            raise Unavailable(
                f"The gateway has {count} WebSockets already; try again shortly.", retry_after=RETRY_SECONDS
            )
        return self.client_of_request(peer, headers, others)

    def _client_refusal(self, client: Client | None, others: Iterable[Any]) -> str | None:
        """Why ``client`` can have no further connection beside ``others``, ``None`` when it can."""
        if self.per_client is None or client is None:
            return None
        same = sum(other.counts_as is not None and other.counts_as[0] == client[0] for other in others)
        return None if same < self.per_client else f"This address has {same} connections already; close one, or wait."

    def refusal(self, client: Client | None, others: Iterable[Any]) -> str | None:
        """Why a connection from ``client`` cannot be accepted beside ``others``, ``None`` when it can.

        If all places are taken, the connection that has been idle longest is closed to make room. ``others`` have a
        ``counts_as``; those that can be closed have an ``idle_rank`` that is not ``None``, lowest first, and ``abort``.
        """
        others = list(others)
        if reason := self._client_refusal(client, others):
            return reason
        if len(others) < self.total:
            return None
        idle = [other for other in others if getattr(other, "idle_rank", None) is not None]
        if not idle:
            return f"The gateway has {len(others)} connections already; try again shortly."
        min(idle, key=lambda other: other.idle_rank).abort()
        return None
