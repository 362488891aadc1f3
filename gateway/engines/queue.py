"""The queue in front of an engine that can serve a limited number of streams at once."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import msgspec

from adapters.contract.engine import Preflight, failure_of
from adapters.contract.errors import Unavailable
from gateway.engines.admission import Admission, current_admission
from gateway.engines.places import Places, RunningMean
from gateway.tasks import merged

RETRY_SECONDS = 1.0
"""What a client is told to wait at least, also while models are still loading."""

LONGEST_RETRY_SECONDS = 60.0
"""What a client is told to wait at most."""

EVENTS_AHEAD = 4096
"""How many events an engine may be ahead of its reader, a long answer's worth: a slow reader does not hold a place."""


class QueueLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests may wait for an engine, and how many seconds each."""

    length: int
    seconds: float


class QueueState(msgspec.Struct, frozen=True, kw_only=True):
    """A queue as it is now: streams at once, how many run and wait, how many turns are to come, refused so far."""

    engine: str
    capacity: int
    running: int
    waiting: int
    coming: int
    refused: int


class QueuedEngine:
    """An engine of ``info.max_parallel`` streams at once, behind a queue that refuses when it is full or too slow.

    A place is held while the engine works, not while its reader reads.
    """

    def __init__(self, name: str, engine: Any, limits: QueueLimits) -> None:
        self.coming = 0
        self._name = name
        self._engine = engine
        self._limits = limits
        self._places = Places(engine.info.max_parallel)
        self._held = RunningMean()
        self._lead = RunningMean()
        self._refused = 0

    @property
    def info(self) -> Any:
        """What the engine says of itself."""
        return self._engine.info

    @property
    def alternatives(self) -> tuple[Any]:
        """The engine behind the queue."""
        return (self._engine,)

    @property
    def state(self) -> QueueState:
        """The queue as it is now."""
        places = self._places
        return QueueState(
            engine=self._name,
            capacity=places.capacity,
            running=places.running,
            waiting=places.waiting,
            coming=self.coming,
            refused=self._refused,
        )

    def check(self, request: Any) -> None:
        """What the engine says of a request before it waits in the queue."""
        self._engine.check(request)

    @property
    def failure(self) -> str | None:
        """Why the engine cannot answer any more."""
        return failure_of(self._engine)

    def preflight(self) -> None:
        """Whatever the engine can say before anything binds. Raises ``BadOption``."""
        if isinstance(self._engine, Preflight):
            self._engine.preflight()

    def refusal(self) -> Unavailable | None:
        """Why a new turn cannot be admitted, if that is so: the queue is full, or it would wait for too long."""
        wait = self._expected_wait()
        return self._full() or (self._refuse("too slow for all that ask it") if wait > self._limits.seconds else None)

    def _expected_wait(self) -> float:
        """Seconds that a turn which is admitted now will wait for its first place.

        Those before it need ``held`` seconds each; until it comes here itself, ``lead`` seconds pass, in which the
        engine works too. The estimate is nought until a first stream has ended.
        """
        places = self._places
        before = places.running + places.waiting + self.coming + 1 - places.capacity
        return max(0.0, before * (self._held.value or 0.0) / places.capacity - (self._lead.value or 0.0))

    def _full(self) -> Unavailable | None:
        places = self._places
        if places.running < places.capacity or places.waiting < self._limits.length:
            return None
        return self._refuse(f"busy and {places.waiting} requests are waiting for it")

    def _refuse(self, why: str) -> Unavailable:
        self._refused += 1
        return Unavailable(
            f"{self._name} is {why}; try again shortly.",
            adapter=self._name,
            retry_after=min(max(RETRY_SECONDS, self._expected_wait()), LONGEST_RETRY_SECONDS),
        )

    async def stream(self, request: Any) -> AsyncGenerator[Any, None]:
        """The engine's stream, once there is a place.

        Raises ``Unavailable`` when too many are waiting already or it waited for too long, unless its turn has begun.
        """
        async with merged(self._in_turn(request), buffer=EVENTS_AHEAD) as events:
            async for event in events:
                yield event

    async def _in_turn(self, request: Any) -> AsyncGenerator[Any, None]:
        places = self._places  # warm_up() may replace them meanwhile
        await self._enter(places, current_admission())
        now = asyncio.get_running_loop().time
        begun = now()
        try:
            async with aclosing(self._engine.stream(request)) as events:
                async for event in events:
                    yield event
        finally:
            places.release()
            self._held.note(now() - begun)

    async def _enter(self, places: Places, admission: Admission | None) -> None:
        """Wait for a place."""
        if admission is not None and (lead := admission.arrive(self)) is not None:
            self._lead.note(lead)
        if admission is not None and admission.privileged(self):
            await places.acquire(ahead=True)
            return
        admitted = admission is not None and admission.admitted(self)
        if (refusal := self._full() if admitted else self.refusal()) is not None:
            raise refusal
        try:
            async with asyncio.timeout(self._limits.seconds):
                await places.acquire(ahead=False)
        except TimeoutError:
            raise self._refuse("too slow for all that ask it") from None
        if admission is not None:
            admission.begin()

    async def warm_up(self) -> None:
        """Warm the engine up; what it can do at once may depend on what it has loaded."""
        await self._engine.warm_up()
        self._places = Places(self._engine.info.max_parallel)

    async def aclose(self) -> None:
        """Close the engine."""
        await self._engine.aclose()


def queues_of(engine: Any) -> Iterator[QueuedEngine | None]:
    """The queues in front of ``engine`` and of those that it may ask instead; ``None`` for one without a queue."""
    if isinstance(engine, QueuedEngine):
        yield engine
    elif alternatives := alternatives_of(engine):
        for alternative in alternatives:
            yield from queues_of(alternative)
    else:
        yield None


def alternatives_of(engine: Any) -> tuple[Any, ...]:
    """The engines to which ``engine`` passes requests on, in the order in which it asks them; none if it has none."""
    alternatives: tuple[Any, ...] = getattr(engine, "alternatives", ())
    return alternatives
