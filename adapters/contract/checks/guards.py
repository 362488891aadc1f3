"""The checks of guards: verdicts are those of the text, do not quote it, and do not mix."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from adapters.contract import guard
from adapters.contract.errors import AdapterError


class GuardRig(Protocol):
    """One guard under test, warmed up, with texts of which it is known what it thinks of them."""

    guard: guard.Guard

    harmless: Sequence[str]
    """Texts that pass."""

    flagged: Sequence[str]
    """Texts of at least two words that do not."""

    def busy(self) -> int:
        """How many checks what works behind the guard is doing now."""

    def stall(self) -> None:
        """Have what works behind the guard never answer from now on."""


GuardCheck = Callable[[GuardRig], Awaitable[None]]


async def check_verdicts(rig: GuardRig) -> None:
    """Harmless texts pass, also after one that was flagged; flagged ones are named by categories."""
    for text in (*rig.harmless, *rig.flagged, *rig.harmless):
        verdict = await rig.guard.check(guard.Request(text=text))
        assert verdict.flagged == (text in rig.flagged), f"{text!r} is {verdict!r}"
        assert verdict.flagged or not verdict.categories, f"{text!r} passed and has {verdict.categories!r}"


async def check_nothing_is_quoted(rig: GuardRig) -> None:
    """A category, which is logged, holds no word of the text that is longer than three letters."""
    for text in rig.flagged:
        verdict = await rig.guard.check(guard.Request(text=text))
        words = [word for word in text.lower().split() if len(word) > 3]
        quoted = [word for word in words for category in verdict.categories if word in category.lower()]
        assert not quoted, f"the categories of {text!r} quote {quoted}"


async def check_text_before(rig: GuardRig) -> None:
    """A text is flagged where it completes what came before; what has passed is not judged again."""
    for text in rig.flagged:
        at = text.index(" ")
        verdict = await rig.guard.check(guard.Request(text=text[at:], before=text[:at]))
        assert verdict.flagged, f"{text!r} passes in two parts"
    for text in rig.harmless:
        verdict = await rig.guard.check(guard.Request(text=text, before=rig.harmless[0]))
        assert not verdict.flagged, f"{text!r} is flagged after {rig.harmless[0]!r}"


async def check_many_at_once(rig: GuardRig) -> None:
    """Checks that run at the same time do not mix."""
    texts = [*rig.harmless, *rig.flagged] * 3
    checks = [rig.guard.check(guard.Request(text=text)) for text in texts]
    verdicts = await asyncio.gather(*checks)  # noqa: TID251 - the checks are for tests
    for text, verdict in zip(texts, verdicts, strict=True):
        assert verdict.flagged == (text in rig.flagged), f"{text!r} is {verdict!r} among others"


async def check_cancelled(rig: GuardRig) -> None:
    """A check that is given up has ended what it began when it returns."""
    rig.stall()
    try:
        async with asyncio.timeout(0.2):
            await rig.guard.check(guard.Request(text=rig.harmless[0]))
    except TimeoutError:
        pass
    else:
        raise AssertionError("a check ended although nothing answers it")
    assert rig.busy() == 0, "a check goes on after it was given up"


async def check_closed(rig: GuardRig) -> None:
    """Closing twice is harmless, and a closed guard says that it is."""
    await rig.guard.aclose()
    await rig.guard.aclose()
    try:
        verdict = await rig.guard.check(guard.Request(text=rig.harmless[0]))
    except AdapterError:
        return
    raise AssertionError(f"a closed guard gives {verdict!r}")


GUARD_CHECKS: tuple[GuardCheck, ...] = (
    check_verdicts,
    check_nothing_is_quoted,
    check_text_before,
    check_many_at_once,
    check_cancelled,
    check_closed,
)
