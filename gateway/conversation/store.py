"""What a store of conversations can do, and the queue of turns that every store has in front of a conversation."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from adapters.contract.errors import Unavailable

RETRY_SECONDS = 1.0
"""What a client is told to wait when too many are waiting already."""


class Occupied(Exception):
    """Somebody else is at it, or waits for it, and waiting is not wanted."""


class Store(Protocol):
    """Keeps bytes under keys for a time; every method raises ``Unavailable`` when it cannot be reached."""

    async def get(self, key: str) -> bytes | None:
        """What is kept under ``key``; ``None`` for what never was, or is past its time."""

    async def put(self, key: str, value: bytes) -> None:
        """Keep ``value`` for the store's time to live."""

    async def advance(self, key: str, expected: bytes | None, value: bytes) -> bool:
        """Put ``value`` where ``expected``, nothing any more, or ``value`` already is; ``False`` for anything else."""

    async def delete(self, key: str) -> None:
        """Keep nothing under ``key`` any more; harmless when nothing is there."""

    def turn(self, name: str, *, wait: bool = True) -> AbstractAsyncContextManager[None]:
        """Be the only one under ``name``, on every replica, for the block.

        Raises ``Unavailable`` for too many, and ``Occupied`` instead of waiting, unless that is to be done.
        """

    async def attend(self) -> None:
        """What is to be done all the time; runs until it is cancelled."""

    async def aclose(self) -> None:
        """Release everything; harmless when called twice."""


class _Place:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class TurnQueue:
    """Places by name; behind who holds one, ``max_waiting`` may wait."""

    def __init__(self, max_waiting: int) -> None:
        self._places: dict[str, _Place] = {}
        self._max_waiting = max_waiting

    @asynccontextmanager
    async def place(self, name: str, *, wait: bool) -> AsyncGenerator[None, None]:
        """Hold the place ``name`` for the block. Raises ``Unavailable`` when too many are waiting, and ``Occupied``."""
        if not wait and name in self._places:
            raise Occupied
        place = self._places.setdefault(name, _Place())
        if place.users > self._max_waiting:
            raise Unavailable(
                f"{place.users - 1} turns are waiting for this conversation; try again shortly.",
                retry_after=RETRY_SECONDS,
            )
        place.users += 1
        try:
            async with place.lock:
                yield
        finally:
            place.users -= 1
            if not place.users:
                del self._places[name]
