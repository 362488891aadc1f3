"""The queue in front of an engine that can serve a limited number of streams at once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from adapters.contract.engine import HealthReporting, Preflight
from adapters.contract.errors import Unavailable
from gateway.tasks import merged

RETRY_SECONDS = 1.0
"""What a client is told to wait when a queue is full or models are still loading."""

EVENTS_AHEAD = 4096
"""How many events an engine may be ahead of its reader, a long answer's worth: a slow reader does not hold a place."""


class QueuedEngine:
    """An engine of ``info.max_parallel`` streams at once, behind a queue that refuses when it is full.

    A place is held while the engine works, not while its reader reads. ``waiting`` and ``running`` are requests now,
    ``refused`` those since the start.
    """

    def __init__(self, name: str, engine: Any, max_queue: int) -> None:
        self._name = name
        self.engine = engine
        self.waiting = 0
        self.running = 0
        self.refused = 0
        self._places = asyncio.Semaphore(engine.info.max_parallel)
        self._max_queue = max_queue

    @property
    def info(self) -> Any:
        """What the engine says of itself."""
        return self.engine.info

    def check(self, request: Any) -> None:
        """What the engine says of a request before it waits in the queue."""
        self.engine.check(request)

    @property
    def failure(self) -> str | None:
        """Why the engine cannot answer any more."""
        return self.engine.failure if isinstance(self.engine, HealthReporting) else None

    def preflight(self) -> None:
        """Whatever the engine can say before anything binds. Raises ``BadOption``."""
        if isinstance(self.engine, Preflight):
            self.engine.preflight()

    async def stream(self, request: Any) -> AsyncGenerator[Any, None]:
        """The engine's stream, once there is a place. Raises ``Unavailable`` when too many are waiting already."""
        async with merged(self._in_turn(request), buffer=EVENTS_AHEAD) as events:
            async for event in events:
                yield event

    async def _in_turn(self, request: Any) -> AsyncGenerator[Any, None]:
        if self._places.locked() and self.waiting >= self._max_queue:
            self.refused += 1
            raise Unavailable(
                f"{self._name} is busy and {self.waiting} requests are waiting for it; try again shortly.",
                adapter=self._name,
                retry_after=RETRY_SECONDS,
            )
        self.waiting += 1
        places = self._places  # warm_up() may replace them meanwhile
        try:
            await places.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        try:
            async with aclosing(self.engine.stream(request)) as events:
                async for event in events:
                    yield event
        finally:
            self.running -= 1
            places.release()

    async def warm_up(self) -> None:
        """Warm the engine up; what it can do at once may depend on what it has loaded."""
        await self.engine.warm_up()
        self._places = asyncio.Semaphore(self.engine.info.max_parallel)

    async def aclose(self) -> None:
        """Close the engine."""
        await self.engine.aclose()
