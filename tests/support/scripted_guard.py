"""A guard that tests hold in their hand, and guards of a route around it."""

from collections.abc import Awaitable, Callable
from typing import Any

from adapters.contract import guard
from gateway.engines.guards import ActiveGuard, Guards
from gateway.settings.guard_table import GuardRules

Judge = Callable[[guard.Request], Awaitable[bool]]


class ScriptedGuard:
    """Flags texts with ``word`` in them, and what came before, or what ``judge`` says; ``asked`` are its requests."""

    def __init__(self, word: str = "bad", judge: Judge | None = None) -> None:
        self._word = word
        self.judge = judge
        self.asked: list[guard.Request] = []
        self.warm = self.closed = 0

    @property
    def texts(self) -> list[str]:
        """What was judged."""
        return [request.text for request in self.asked]

    async def warm_up(self) -> None:
        self.warm += 1

    async def aclose(self) -> None:
        self.closed += 1

    async def check(self, request: guard.Request) -> guard.Verdict:
        self.asked.append(request)
        flagged = await self.judge(request) if self.judge else self._word in request.before + request.text
        return guard.Verdict(flagged=flagged, categories=("badness",) if flagged else ())


def active(scripted: ScriptedGuard, **rules: Any) -> ActiveGuard:
    """``scripted`` with these rules."""
    return ActiveGuard(GuardRules(**{"name": "test", "kind": "scripted", **rules}), scripted)


def guards_of(scripted: ScriptedGuard, **rules: Any) -> Guards:
    """The guards of a route that has ``scripted`` alone."""
    made = active(scripted, **rules)
    return Guards(
        transcript=(made,) if "transcript" in made.rules.on else (), answer=(made,) if "answer" in made.rules.on else ()
    )
