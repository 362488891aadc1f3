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

    A place is held while the engine works, not while its reader reads.
    """

    def __init__(self, name: str, engine: Any, max_queue: int) -> None:
        self._name = name
        self._engine = engine
        self._places = asyncio.Semaphore(engine.info.max_parallel)
        self._waiting = 0
        self._max_queue = max_queue

    @property
    def info(self) -> Any:
        """What the engine says of itself."""
        return self._engine.info

    def check(self, request: Any) -> None:
        """What the engine says of a request before it waits in the queue."""
        self._engine.check(request)

    @property
    def failure(self) -> str | None:
        """Why the engine cannot answer any more."""
        return self._engine.failure if isinstance(self._engine, HealthReporting) else None

    def preflight(self) -> None:
        """Whatever the engine can say before anything binds. Raises ``BadOption``."""
        if isinstance(self._engine, Preflight):
            self._engine.preflight()

    async def stream(self, request: Any) -> AsyncGenerator[Any, None]:
        """The engine's stream, once there is a place. Raises ``Unavailable`` when too many are waiting already."""
        async with merged(self._in_turn(request), buffer=EVENTS_AHEAD) as events:
            async for event in events:
                yield event

    async def _in_turn(self, request: Any) -> AsyncGenerator[Any, None]:
        if self._places.locked() and self._waiting >= self._max_queue:
            raise Unavailable(
                f"{self._name} is busy and {self._waiting} requests are waiting for it; try again shortly.",
                adapter=self._name,
                retry_after=RETRY_SECONDS,
            )
        self._waiting += 1
        places = self._places  # warm_up() may replace them meanwhile
        try:
            await places.acquire()
        finally:
            self._waiting -= 1
        try:
            async with aclosing(self._engine.stream(request)) as events:
                async for event in events:
                    yield event
        finally:
            places.release()

    async def warm_up(self) -> None:
        """Warm the engine up; what it can do at once may depend on what it has loaded."""
        await self._engine.warm_up()
        self._places = asyncio.Semaphore(self._engine.info.max_parallel)

    async def aclose(self) -> None:
        """Close the engine."""
        await self._engine.aclose()
