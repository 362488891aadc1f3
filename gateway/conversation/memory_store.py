"""Keeps conversations in the memory of this process."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from gateway.conversation.store import TurnQueue

MOST_ENTRIES = 100_000
"""Keys in memory; small ones cost more than their bytes."""

SWEEP_SECONDS = 60.0
"""How often expired entries are dropped when no request does it."""


class MemoryStore:
    """A store that ends with the process: within ``max_bytes`` and ``max_entries``, the least recently used goes."""

    def __init__(
        self,
        *,
        ttl_seconds: float,
        max_bytes: int,
        max_waiting: int,
        max_entries: int = MOST_ENTRIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl = ttl_seconds
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._queue = TurnQueue(max_waiting)
        self._clock = clock
        self._values: OrderedDict[str, bytes] = OrderedDict()  # least recently used first
        self._until: OrderedDict[str, float] = OrderedDict()  # first to go first: all live equally long
        self._bytes = 0

    async def get(self, key: str) -> bytes | None:
        """What is kept under ``key``."""
        self._sweep()
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    async def put(self, key: str, value: bytes) -> None:
        """Keep ``value``; what is larger than the store is not kept."""
        self._sweep()
        self._forget(key)
        if len(value) > self._max_bytes:
            return
        self._values[key] = value
        self._until[key] = self._clock() + self._ttl
        self._bytes += len(value)
        while self._bytes > self._max_bytes or len(self._values) > self._max_entries:
            self._forget(next(iter(self._values)))

    async def advance(self, key: str, expected: bytes | None, value: bytes) -> bool:
        """Put ``value`` unless something else than ``expected`` is there."""
        if await self.get(key) not in {None, expected, value}:
            return False
        await self.put(key, value)
        return True

    async def delete(self, key: str) -> None:
        """Forget ``key``."""
        self._forget(key)

    def turn(self, name: str, *, wait: bool = True) -> AbstractAsyncContextManager[None]:
        """Be the only one under ``name``."""
        return self._queue.place(name, wait=wait)

    async def attend(self) -> None:
        """Drop what is past its time."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._sweep()

    async def aclose(self) -> None:
        """There is nothing to release."""

    def _sweep(self) -> None:
        now = self._clock()
        while self._until and next(iter(self._until.values())) <= now:
            self._forget(next(iter(self._until)))

    def _forget(self, key: str) -> None:
        self._bytes -= len(self._values.pop(key, b""))
        self._until.pop(key, None)
