"""Bounds the number of connections, in all and from one address."""

from collections.abc import Iterable
from typing import Any

import msgspec


class ConnectionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many connections there may be, in all and from one address; ``None`` is no limit."""

    total: int
    per_client: int | None

    def refusal(self, client: tuple[str, int] | None, others: Iterable[Any]) -> str | None:
        """Why a connection from ``client`` cannot be accepted beside ``others``, ``None`` when it can.

        If all places are taken, the connection that has been idle longest is closed to make room. ``others`` have a
        ``client``; those that can be closed have an ``idle_rank`` that is not ``None``, lowest first, and ``abort``.
        """
        others = list(others)
        if self.per_client is not None and client is not None:
            same = sum(other.client is not None and other.client[0] == client[0] for other in others)
            if same >= self.per_client:
                return f"This address has {same} connections already; close one, or use it again."
        if len(others) < self.total:
            return None
        idle = [other for other in others if getattr(other, "idle_rank", None) is not None]
        if not idle:
            return f"The gateway has {len(others)} connections already; try again shortly."
        min(idle, key=lambda other: other.idle_rank).abort()
        return None
