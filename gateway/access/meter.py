"""Counts what callers use, and says how they stand to their limits."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Protocol, runtime_checkable

import msgspec

from adapters.contract.errors import Overloaded
from gateway.access.caller import Caller
from gateway.access.limits import Limits
from gateway.access.standing import EVERYBODY, Standing, at_once_refusal
from gateway.access.usage import Ledger, Place, Use
from gateway.access.windows import REQUESTS, Counts, Quantity, Window

Kind = Literal["turns", "sessions"]
"""What is counted as under way: a request that is being answered, or an open session."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of asking for a place: how the caller stands, and the refusal if there was no place.

    ``place`` names what has to be given back with ``Meter.leave``; it is empty where there was none.
    """

    standing: Standing
    refusal: Overloaded | None = None
    place: str = ""


@runtime_checkable
class Meter(Protocol):
    """Counts for the limits of callers and for those of all of them together."""

    async def take(self, caller: Caller, kind: Kind | None, requests: int = 1) -> Taken:
        """Count ``requests`` of ``caller`` and one of ``kind`` under way, unless a limit on either is reached.

        What is begun before it is a request is taken in two steps: its place with no ``requests``, then one without a
        ``kind``. Never fails: a refusal is in the outcome.
        """

    def leave(self, caller: str, kind: Kind, taken: Taken) -> None:
        """What was taken has ended."""

    def charge(self, place: Place, use: Use) -> None:
        """Count what a turn of ``place.key`` used, of today. The window that it is charged to may go over once."""

    async def used(self) -> Mapping[Place, Use]:
        """All use that is still kept."""

    async def standings(self, callers: Iterable[Caller]) -> Mapping[str, tuple[Window, ...]]:
        """The limited windows of each of ``callers`` and of everybody, by name, as they are now."""

    def under_way(self) -> Mapping[tuple[Kind, str], int]:
        """How many of each kind of each caller and of everybody are under way in this process."""

    async def attend(self) -> None:
        """Work in the background for as long as the gateway runs."""

    async def aclose(self) -> None:
        """Release everything."""


class LocalMeter:
    """Counts in this process; ``limits`` are those of all callers together, use is kept for ``days`` days."""

    def __init__(self, limits: Limits, days: int, clock: Callable[[], float] = time.time) -> None:
        self.limits = limits
        self.ledger = Ledger(days)
        self._clock = clock
        self._counts: defaultdict[str, Counts] = defaultdict(Counts)
        self._under_way: dict[tuple[Kind, str], int] = {}

    async def take(self, caller: Caller, kind: Kind | None, requests: int = 1) -> Taken:
        """Count ``requests`` and one of ``kind`` under way, or refuse."""
        for whose, owner, limits in self.owners(caller):
            limit = at_once_limit(limits, kind)
            if kind is not None and limit is not None and self._under_way.get((kind, owner), 0) >= limit:
                return Taken(standing=self._standing(caller), refusal=at_once_refusal(limit, kind, whose))
        standing = self._standing(caller)
        if (refusal := standing.refusal(REQUESTS)) is not None:
            return Taken(standing=standing, refusal=refusal)
        self.count_taken(caller, kind, requests)
        if standing != Standing():  # no windows are as they were
            standing = self._standing(caller)
        return Taken(standing=standing, place=kind or "")

    def count_taken(self, caller: Caller, kind: Kind | None, requests: int) -> None:
        """Count what was not refused."""
        now = self._clock()
        for _, owner, _ in self.owners(caller):
            self._counts[owner].add({"requests": requests}, now)
            if kind is not None:
                self._under_way[kind, owner] = self._under_way.get((kind, owner), 0) + 1

    def leave(self, caller: str, kind: Kind, taken: Taken) -> None:
        """What was taken has ended."""
        if taken.place:
            for owner in (caller, EVERYBODY):
                self._under_way[kind, owner] -= 1

    def charge(self, place: Place, use: Use) -> None:
        """Count what a turn used."""
        amounts, now = amounts_of(use), self._clock()
        for owner in (place.key, EVERYBODY):
            self._counts[owner].add(amounts, now)
        self.ledger.add(place, use)

    async def used(self) -> Mapping[Place, Use]:
        """All use that is still kept."""
        return self.ledger.all()

    async def standings(self, callers: Iterable[Caller]) -> Mapping[str, tuple[Window, ...]]:
        """The limited windows of each of ``callers`` and of everybody, by name, as they are now."""
        now = self._clock()
        limits = {EVERYBODY: self.limits, **{caller.name: caller.limits for caller in callers}}
        return {owner: self._counts[owner].windows(each, now) for owner, each in limits.items()}

    def under_way(self) -> Mapping[tuple[Kind, str], int]:
        """How many of each kind of each caller and of everybody are under way in this process."""
        return self._under_way

    async def attend(self) -> None:
        """Nothing has to be done."""

    async def aclose(self) -> None:
        """Nothing is held."""

    def owners(self, caller: Caller) -> tuple[tuple[str, str, Limits], ...]:
        """Whose limits hold for ``caller``: in words, by name, and the limits."""
        return ("this API key", caller.name, caller.limits), ("all clients together", EVERYBODY, self.limits)

    def _standing(self, caller: Caller) -> Standing:
        now = self._clock()
        own, everybody = (self._counts[owner].windows(limits, now) for _, owner, limits in self.owners(caller))
        return Standing(own=own, everybody=everybody)


def at_once_limit(limits: Limits, kind: Kind | None) -> int | None:
    """How many of ``kind`` may be under way at once."""
    return {"turns": limits.turns_at_once, "sessions": limits.sessions_at_once, None: None}[kind]


def amounts_of(use: Use) -> dict[Quantity, float]:
    """``use`` as the limited quantities count it."""
    return {
        "audio_seconds": use.audio_seconds,
        "speech_characters": use.speech_characters,
        "speech_seconds": use.speech_seconds,
        "tokens": use.input_tokens + use.output_tokens,
    }
