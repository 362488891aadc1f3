"""The guards of a route as they are asked: within their time, and with what follows when one fails."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b

import msgspec

from adapters import registry
from adapters.contract import guard as contract
from adapters.contract.errors import AdapterError, Unavailable
from adapters.options import BadOption
from gateway.settings.guard_table import GuardRules, GuardTable

LONGEST_TEXT = 4_000
"""Characters that a guard judges at once."""

LONGEST_BEFORE = 500
"""Characters before them that it is told."""

REMEMBERED = 4_096
"""Texts whose verdict is remembered: a client may send the same history turn after turn."""

_RETRY_SECONDS = 5.0

logger = logging.getLogger(__name__)


class ActiveGuard:
    """The guard that ``rules`` describe."""

    def __init__(self, rules: GuardRules, judge: contract.Guard) -> None:
        self.rules = rules
        self._judge = judge
        self._failing = False
        self._verdicts: OrderedDict[bytes, bool] = OrderedDict()

    async def warm_up(self) -> None:
        """Load what it needs. Raises ``AdapterError``."""
        await self._judge.warm_up()

    async def aclose(self) -> None:
        """Release everything."""
        await self._judge.aclose()

    async def flags(self, text: str, before: str = "") -> bool:
        """Whether ``text``, directly after ``before``, must not go on.

        Raises ``Unavailable`` when the guard fails and is closed then.
        """
        return await self._verdict(text, before) is True

    async def flagged(self, texts: Sequence[str]) -> list[str]:
        """Those of ``texts`` that must not go on; raises as ``flags`` does.

        Verdicts are remembered, and texts of which there is none yet are first judged together.
        """
        unknown = [text for text in texts if _key(text) not in self._verdicts]
        if len(unknown) > 1 and await self._verdict("\n\n".join(unknown), "") is False:
            for text in unknown:
                self._remember(text, flagged=False)
        return [text for text in texts if await self._flags_again(text)]

    async def _flags_again(self, text: str) -> bool:
        key = _key(text)
        if (known := self._verdicts.get(key)) is not None:
            self._verdicts.move_to_end(key)
            return known
        if (verdict := await self._verdict(text, "")) is not None:
            self._remember(text, flagged=verdict)
        return verdict is True

    def _remember(self, text: str, *, flagged: bool) -> None:
        self._verdicts[_key(text)] = flagged
        if len(self._verdicts) > REMEMBERED:
            self._verdicts.popitem(last=False)

    async def _verdict(self, text: str, before: str) -> bool | None:
        """Whether ``text`` is flagged, a part at a time; ``None`` when a guard that is open failed."""
        verdict: bool | None = False
        start = 0
        while text[start:].strip():
            match await self._judged(text[start : start + LONGEST_TEXT], before[-LONGEST_BEFORE:]):
                case True:
                    return True
                case None:
                    verdict = None
            start += LONGEST_TEXT
            before = text[:start]
        return verdict

    async def _judged(self, text: str, before: str) -> bool | None:
        try:
            async with asyncio.timeout(self.rules.timeout_seconds):
                verdict = await self._judge.check(contract.Request(text=text, before=before))
        except TimeoutError:
            self._note_failure(f"it did not answer within {self.rules.timeout_seconds:g} s")
        except AdapterError as error:
            self._note_failure(error.message)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and its message may quote the text
            self._note_failure(type(error).__name__)
        else:
            self._note_success()
            if verdict.flagged:
                named = ", ".join(verdict.categories) or "no category"
                logger.info("the guard %s flags a text: %s", self.rules.name, named)
            return verdict.flagged
        if self.rules.on_failure == "open":
            return None
        raise Unavailable(
            f"The guard {self.rules.name!r} cannot be asked, and nothing may be answered without it: repeat later.",
            retry_after=_RETRY_SECONDS,
        )

    def _note_failure(self, why: str) -> None:
        if not self._failing:
            logger.warning("the guard %s fails and is %s: %s", self.rules.name, self.rules.on_failure, why)
            self._failing = True

    def _note_success(self) -> None:
        if self._failing:
            logger.warning("the guard %s works again", self.rules.name)
            self._failing = False


def _key(text: str) -> bytes:
    return blake2b(text.encode(errors="replace"), digest_size=16).digest()


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """The guards of a route, in the order in which they are asked."""

    transcript: tuple[ActiveGuard, ...] = ()
    answer: tuple[ActiveGuard, ...] = ()

    @property
    def all(self) -> tuple[ActiveGuard, ...]:
        """Each of them once."""
        return tuple(dict.fromkeys((*self.transcript, *self.answer)))


NO_GUARDS = Guards()


def guards_by_route(
    tables: Iterable[GuardTable], routes: Sequence[str], make: Callable[[GuardTable], ActiveGuard]
) -> dict[str, Guards]:
    """The guards of each of ``routes``; a guard is made once for all. Raises ``BadOption``, and what ``make`` does."""
    found = {route: Guards() for route in routes}
    for table in tables:
        rules = table.rules
        for route in rules.routes:
            if route not in found:
                raise BadOption(
                    f"The guard {rules.name!r} is for the route {route!r}; there are: {', '.join(routes) or 'none'}."
                )
        guard = make(table)
        for route in rules.routes or routes:
            before = found[route]
            found[route] = Guards(
                transcript=(*before.transcript, *([guard] if "transcript" in rules.on else [])),
                answer=(*before.answer, *([guard] if "answer" in rules.on else [])),
            )
    return found


def build_guard(table: GuardTable) -> ActiveGuard:
    """The guard that ``table`` describes, without I/O. Raises ``BadOption``."""
    try:
        judge: contract.Guard = registry.adapter_class("guards", table.rules.kind)(table.options)
    except BadOption as error:
        raise BadOption(f"The guard {table.rules.name!r} cannot be used: {error}") from None
    return ActiveGuard(table.rules, judge)
