"""Several engines of one stage in the order in which they are asked, each with a circuit of its own."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

import msgspec

from adapters.contract.engine import failure_of
from adapters.contract.errors import AdapterError, InvalidRequest, Unavailable
from adapters.upstream.breaker import CircuitBreaker

logger = logging.getLogger(__name__)

EngineT = TypeVar("EngineT")


class Candidate(msgspec.Struct, Generic[EngineT], frozen=True, kw_only=True):
    """An engine by its registered name; ``circuit`` is the engine's, whoever asks it."""

    name: str
    engine: EngineT
    circuit: CircuitBreaker


class Candidates(Generic[EngineT]):
    """At least one engine; the first is asked, the others when it fails."""

    def __init__(self, candidates: Sequence[Candidate[EngineT]]) -> None:
        self._candidates = tuple(candidates)

    @property
    def first(self) -> Candidate[EngineT]:
        """The one that is asked first."""
        return self._candidates[0]

    def __iter__(self) -> Iterator[Candidate[EngineT]]:
        return iter(self._candidates)

    @property
    def engines(self) -> tuple[EngineT, ...]:
        """All of them."""
        return tuple(candidate.engine for candidate in self._candidates)

    @property
    def failure(self) -> str | None:
        """Why the first cannot work any more, once none of them can."""
        failures = [failure_of(each) for each in self.engines]
        return failures[0] if all(failures) else None

    def leave_out(self, lost: Callable[[EngineT], bool]) -> bool:
        """Stop asking those that are ``lost``. Returns whether any are left; if not, nothing is changed."""
        left = tuple(candidate for candidate in self._candidates if not lost(candidate.engine))
        self._candidates = left or self._candidates
        return bool(left)

    def usable(self) -> Iterator[Candidate[EngineT]]:
        """Those to ask, in order: an engine that failed often is passed over for a while, unless all did.

        Raises ``Unavailable`` after the last of them where the first was passed over: none could stand in for it.
        """
        now = asyncio.get_running_loop().time
        waits = [candidate.circuit.wait(now()) for candidate in self._candidates]
        if all(waits):
            waits = [0.0] * len(waits)
        yield from (candidate for candidate, wait in zip(self._candidates, waits, strict=True) if not wait)
        if waits[0]:
            raise Unavailable(
                f"{self.first.name} is temporarily disabled after repeated failures, and no other can stand in.",
                adapter=self.first.name,
                retry_after=waits[0],
            )


def note_failure(candidate: Candidate[EngineT], error: AdapterError) -> None:
    """Take down that the engine failed: a refused request or a full queue says nothing against it."""
    logger.warning("%s failed (%s); the next one takes over", candidate.name, type(error).__name__)
    if not isinstance(error, InvalidRequest) and error.retry_after is None:
        candidate.circuit.failed(asyncio.get_running_loop().time())
