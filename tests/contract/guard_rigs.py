"""Rigs of the guards for the contract's checks."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from adapters.contract import guard
from adapters.contract.checks import GuardRig
from adapters.guards.moderations.adapter import Moderations
from adapters.guards.patterns.adapter import PatternGuard
from tests.support.moderations_server import moderating
from tests.support.upstream_server import UpstreamServer, hold

HARMLESS = ("What is the weather like?", "She skilled the team.", "")
FLAGGED = ("I will kill him today.", "Please KILL it")


class _Rig:
    """A guard that flags what has a kill in it."""

    harmless: Sequence[str] = HARMLESS
    flagged: Sequence[str] = FLAGGED

    def __init__(self, tested: guard.Guard, busy: Callable[[], int], stall: Callable[[], None]) -> None:
        self.guard = tested
        self.busy = busy
        self.stall = stall


@asynccontextmanager
async def moderations() -> AsyncGenerator[GuardRig, None]:
    """The guard in front of a server that finds violence."""
    async with UpstreamServer(moderating(" kill ", "violence")) as server:
        tested = Moderations(Moderations.Options(base_url=server.base_url, model=""))

        def stall() -> None:
            server.script = hold

        await tested.warm_up()
        try:
            yield _Rig(tested, lambda: server.open_streams, stall)
        finally:
            await tested.aclose()


class _PatternRig(_Rig):
    """A guard with its own process; to stall, another one whose pattern takes twice as long for every letter."""

    def __init__(self) -> None:
        self._guards = [PatternGuard(PatternGuard.Options(patterns=(pattern,))) for pattern in (r"\bkill\b", r"(a+)+$")]
        super().__init__(self._guards[0], lambda: sum(len(each._pool._busy) for each in self._guards), self._use_slow)

    def _use_slow(self) -> None:
        self.guard = self._guards[1]
        self.harmless = ("a" * 40 + "!",)

    async def aclose(self) -> None:
        for each in self._guards:
            await each.aclose()


@asynccontextmanager
async def patterns() -> AsyncGenerator[GuardRig, None]:
    """The guard that looks for a word."""
    rig = _PatternRig()
    await rig.guard.warm_up()
    try:
        yield rig
    finally:
        await rig.aclose()


RIGS: dict[str, Callable[[], AbstractAsyncContextManager[GuardRig]]] = {
    "moderations": moderations,
    "patterns": patterns,
}
