"""The engine of a stage when nobody chose one: the best that loads, suits the route and keeps up with speech."""

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from adapters.contract.engine import Preflight, failure_of
from adapters.contract.errors import AdapterError, UpstreamError
from adapters.options import BadOption
from gateway.settings.model import AUTO

logger = logging.getLogger(__name__)

SLOWEST = 0.7
"""Seconds of work for a second of speech: an engine that needs more makes the listener wait."""

SENTENCE = "The quick brown fox jumps over the lazy dog, and nobody is surprised."
"""What is spoken, and heard, to find out how fast an engine is."""

Trial = Callable[[Any], Awaitable[float]]
"""Has a loaded engine speak or hear one sentence: the seconds of speech. Raises ``AdapterError`` if it cannot."""


class Contestant(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that may be taken, by its registered name."""

    name: str
    engine: Any


class Shortlist(msgspec.Struct, frozen=True, kw_only=True):
    """The contestants that do not say now that they cannot be loaded, the best first; what the others say, by name."""

    flag: str
    usable: tuple[Contestant, ...]
    refusals: Mapping[str, str]

    def lines(self) -> list[str]:
        """What will be taken and why, for people."""
        passed_over = [f"--{self.flag} {AUTO} passes over {name}: {why}" for name, why in self.refusals.items()]
        first, *others = (contestant.name for contestant in self.usable)
        otherwise = f" if it loads and keeps up, else {', else '.join(others)}" if others else ""
        return [*passed_over, f"--{self.flag} {AUTO} takes {first}{otherwise}"]


def shortlist(flag: str, contestants: Sequence[Contestant]) -> Shortlist:
    """Ask each contestant whether it can be loaded. Raises ``BadOption`` when none can, and logs what they say."""
    usable: list[Contestant] = []
    refusals: dict[str, str] = {}
    for contestant in contestants:
        try:
            if isinstance(contestant.engine, Preflight):
                contestant.engine.preflight()
            usable.append(contestant)
        except BadOption as error:
            logger.info("--%s %s passes over %s: %s", flag, AUTO, contestant.name, error)
            refusals[contestant.name] = str(error)
    if not usable:
        raise BadOption(list(refusals.values())[-1])
    return Shortlist(flag=flag, usable=tuple(usable), refusals=refusals)


class AutomaticEngine:
    """Takes the first of ``contestants`` that passes ``trial`` in time; the last, if it loads, in any case.

    ``flag`` is the setting that would choose one by name. Engines that are not taken are closed.
    """

    def __init__(self, flag: str, contestants: Sequence[Contestant], trial: Trial) -> None:
        self._flag = flag
        self._contestants = tuple(contestants)
        self._trial = trial
        self._taken = self._contestants[0]
        self.prospects: list[str] = []
        """Once ``preflight`` was called: what will be taken and why, for people."""

    @property
    def name(self) -> str:
        """The engine that was taken; before loading the first that may be."""
        return self._taken.name

    @property
    def info(self) -> Any:
        """What that engine says of itself."""
        return self._taken.engine.info

    @property
    def alternatives(self) -> tuple[Any]:
        """The engine that was taken."""
        return (self._taken.engine,)

    @property
    def failure(self) -> str | None:
        """Why that engine cannot work any more."""
        return failure_of(self._taken.engine)

    def check(self, request: Any) -> None:
        """What that engine says of a request."""
        self._taken.engine.check(request)

    async def stream(self, request: Any) -> AsyncGenerator[Any, None]:
        """The stream of that engine."""
        async with aclosing(self._taken.engine.stream(request)) as events:
            async for event in events:
                yield event

    def preflight(self) -> None:
        """Leave out what says now that it cannot be loaded. Raises ``BadOption`` when that are all."""
        found = shortlist(self._flag, self._contestants)
        self._contestants, self.prospects = found.usable, found.lines()
        self._taken = self._contestants[0]

    async def warm_up(self) -> None:
        """Load one after the other until one is taken. Raises what the last one raises when none can be."""
        for contestant in self._contestants[:-1]:
            why = await self._refusal(contestant)
            if why is None:
                self._taken = contestant
                return
            logger.info("--%s %s passes over %s: %s", self._flag, AUTO, contestant.name, why)
            await contestant.engine.aclose()
        self._taken = self._contestants[-1]
        await self._taken.engine.warm_up()
        logger.info("--%s %s took %s", self._flag, AUTO, self._taken.name)

    async def _refusal(self, contestant: Contestant) -> str | None:
        """Why an engine that could be loaded is not taken, if it is not."""
        try:
            await contestant.engine.warm_up()
            factor = await self._factor(contestant.engine)
        except (AdapterError, BadOption) as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  whatever it is, another engine may do
            return f"it failed unexpectedly ({type(error).__name__})"
        speed = f"{factor:.2f} s of work for a second of speech"
        if factor > SLOWEST:
            return f"too slow here, {speed}"
        logger.info("--%s %s took %s: %s", self._flag, AUTO, contestant.name, speed)
        return None

    async def _factor(self, engine: Any) -> float:
        """Seconds of work for a second of speech; the second try counts, if the first was slow: it warms things up."""
        factor = SLOWEST + 1
        for _ in range(2):
            begun = time.perf_counter()
            seconds = await self._trial(engine)
            if seconds <= 0:
                raise UpstreamError("it gave no sound")
            factor = min(factor, (time.perf_counter() - begun) / seconds)
            if factor <= SLOWEST:
                break
        return factor

    async def aclose(self) -> None:
        """Close all of them; harmless for those that are closed already."""
        for contestant in self._contestants:
            await contestant.engine.aclose()
