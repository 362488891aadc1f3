"""Sliding windows of a minute and a day, in which the use of every limited quantity is counted."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import msgspec

from gateway.access.limits import Limits

Quantity = Literal["requests", "audio_seconds", "speech_characters", "speech_seconds", "tokens"]
Period = Literal["minute", "day"]
Amounts = Mapping[Quantity, float]
"""How much was used of each quantity; what is not named was not used."""

QUANTITIES: tuple[Quantity, ...] = ("requests", "audio_seconds", "speech_characters", "speech_seconds", "tokens")
REQUESTS: tuple[Quantity, ...] = ("requests",)
PERIODS: dict[Period, int] = {"minute": 60, "day": 86_400}
"""The length of each period in seconds."""

SMALLEST = 1e-6
"""The least that is used of a quantity that is not counted in whole numbers."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What was used of one quantity in the last ``seconds``, as a sliding window counter estimates it.

    Time is divided into periods of ``seconds``: ``current`` was used in the one that began ``elapsed`` seconds ago,
    ``previous`` in the one before, of which the part that is still within the window counts, as if use had been even.
    Two numbers per window are enough, they are the same whatever the limit is, so that limits can change while the
    gateway runs, and at most one limit's worth fits into any window; a token bucket lets nearly two through.
    """

    quantity: Quantity
    period: Period
    limit: float
    previous: float
    current: float
    elapsed: float

    @property
    def seconds(self) -> int:
        """The length of the window."""
        return PERIODS[self.period]

    @property
    def used(self) -> float:
        """What counts as used now."""
        return self.previous * (1 - self.elapsed / self.seconds) + self.current

    @property
    def remaining(self) -> float:
        """What may still be used now."""
        return max(0.0, self.limit - self.used)

    @property
    def _room(self) -> float:
        """The most that may have been used when something is to be used now: one whole request, or any part."""
        return self.limit - (1.0 if self.quantity == "requests" else SMALLEST)

    @property
    def spent(self) -> bool:
        """Whether no more may be used now."""
        return self.used > self._room

    @property
    def wait(self) -> float:
        """Seconds until more may be used, if nothing is used meanwhile; infinite when the limit allows nothing."""
        if not self.spent:
            return 0.0
        if self._room < 0:
            return math.inf
        if self.current <= self._room:
            return self.seconds * (1 - (self._room - self.current) / self.previous) - self.elapsed
        return self.seconds - self.elapsed + self.seconds * (1 - self._room / self.current)

    @property
    def reset(self) -> float:
        """Seconds until nothing that was used counts any more, if nothing is used meanwhile."""
        if self.current > 0:
            return 2 * self.seconds - self.elapsed
        return self.seconds - self.elapsed if self.previous > 0 else 0.0


@lru_cache(maxsize=1024)  # every request asks this of the same few
def limited(limits: Limits) -> tuple[tuple[Quantity, Period, float], ...]:
    """The windows that ``limits`` limit, with the most that may be used in each."""
    most = {
        (quantity, period): getattr(limits, f"{quantity}_per_{period}") for quantity in QUANTITIES for period in PERIODS
    }
    return tuple((*window, limit) for window, limit in most.items() if limit is not None)


class Counts:
    """What one owner used in this and in the previous period, of each quantity and period."""

    def __init__(self) -> None:
        self._number: dict[Period, int] = dict.fromkeys(PERIODS, 0)
        self._over_at = 0.0  # when the first of the periods is over
        self._current: dict[Period, dict[Quantity, float]] = {period: {} for period in PERIODS}
        self._previous: dict[Period, dict[Quantity, float]] = {period: {} for period in PERIODS}

    def add(self, amounts: Amounts, now: float) -> None:
        """Count ``amounts`` as used at ``now``, in seconds since 1970."""
        self._turn_over(now)
        for current in self._current.values():
            for quantity, amount in amounts.items():
                current[quantity] = current.get(quantity, 0.0) + amount

    def windows(self, limits: Limits, now: float) -> tuple[Window, ...]:
        """The windows that ``limits`` limit, as they are at ``now``."""
        if not (chosen := limited(limits)):
            return ()
        self._turn_over(now)
        return tuple(
            Window(
                quantity=quantity,
                period=period,
                limit=limit,
                previous=self._previous[period].get(quantity, 0.0),
                current=self._current[period].get(quantity, 0.0),
                elapsed=now % PERIODS[period],
            )
            for quantity, period, limit in chosen
        )

    def _turn_over(self, now: float) -> None:
        """Begin new periods where the last one is over; a clock that was set back stays in the same ones."""
        if now < self._over_at:
            return
        for period, seconds in PERIODS.items():
            number = int(now // seconds)
            if number > self._number[period]:
                followed = number == self._number[period] + 1
                self._previous[period] = self._current[period] if followed else {}
                self._current[period], self._number[period] = {}, number
        self._over_at = min((self._number[period] + 1.0) * seconds for period, seconds in PERIODS.items())
