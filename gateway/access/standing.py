"""How a caller stands to its limits: what is left, and the refusal of what is not."""

import math
from typing import Literal

import msgspec

from adapters.contract.errors import Overloaded
from gateway.access.windows import Quantity, Window

EVERYBODY = "everybody"
"""The owner of the limits on all clients together; no key has the name."""

ShownName = Literal["requests", "tokens"]

SHOWN: dict[Quantity, ShownName] = {"requests": "requests", "tokens": "tokens"}
"""The quantities that OpenAI's headers know, and what they are called there."""

WORDS: dict[Quantity, str] = {
    "requests": "requests",
    "audio_seconds": "seconds of audio",
    "speech_characters": "characters of speech",
    "speech_seconds": "seconds of speech",
    "tokens": "tokens",
}


class LimitReached(Overloaded):
    """A limit of the caller, or of all callers together, is reached: repeat after ``retry_after`` seconds."""


class NothingAllowed(Overloaded):
    """A limit of nought: repeating never helps."""


class ShownLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit as OpenAI's clients are told of it; ``reset`` is in seconds."""

    name: ShownName
    limit: int
    remaining: int
    reset: float


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The limited windows of a caller, ``own``, and those of all callers together, when a request came."""

    own: tuple[Window, ...] = ()
    everybody: tuple[Window, ...] = ()

    def refusal(self, quantities: tuple[Quantity, ...]) -> Overloaded | None:
        """Why nothing more may be used of one of ``quantities``, if that is so."""
        for windows, whose in ((self.own, "this API key"), (self.everybody, "all clients together")):
            for window in windows:
                if window.quantity in quantities and window.spent:
                    return _refusal(window, whose)
        return None

    def shown(self) -> tuple[ShownLimit, ...]:
        """What OpenAI's clients are told of their limits: of each quantity the window with the least left in it.

        Windows that are as full as each other: the one that is soonest empty.
        """
        told = []
        for quantity, name in SHOWN.items():
            windows = [window for window in (*self.own, *self.everybody) if window.quantity == quantity]
            if windows:
                tightest = min(windows, key=lambda window: (window.remaining, window.seconds))
                remaining = math.floor(tightest.remaining + 1e-9)
                told.append(
                    ShownLimit(name=name, limit=round(tightest.limit), remaining=remaining, reset=tightest.reset)
                )
        return tuple(told)

    def headers(self) -> dict[str, str]:
        """The same as the headers of an answer."""
        told: dict[str, str] = {}
        for each in self.shown():
            told[f"x-ratelimit-limit-{each.name}"] = str(each.limit)
            told[f"x-ratelimit-remaining-{each.name}"] = str(each.remaining)
            told[f"x-ratelimit-reset-{each.name}"] = duration(each.reset)
        return told


def duration(seconds: float) -> str:
    """``seconds`` as OpenAI writes them: ``20ms``, ``1s``, ``6m0s``, ``1h0m0s``."""
    if 0 < seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    whole = math.ceil(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def at_once_refusal(limit: int, what: str, whose: str) -> Overloaded:
    """The refusal of a turn or session, ``what``, beyond the ``limit`` of those at once."""
    if limit == 0:
        return NothingAllowed(f"The limit of {what} at once of {whose} is 0: none are allowed.")
    return LimitReached(
        f"Rate limit reached for {what} at once of {whose}: limit {limit}. Wait until one has ended.", retry_after=1.0
    )


def _refusal(window: Window, whose: str) -> Overloaded:
    what = WORDS[window.quantity]
    if math.isinf(window.wait):
        return NothingAllowed(
            f"The limit of {what} per {window.period} of {whose} is {window.limit:g}: none are allowed."
        )
    return LimitReached(
        f"Rate limit reached for {what} per {window.period} of {whose}: limit {window.limit:g}, used "
        f"{math.ceil(window.used)}. Please try again in {duration(window.wait)}.",
        retry_after=window.wait,
    )
