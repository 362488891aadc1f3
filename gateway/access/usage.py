"""What was used: by key, day and route, kept for a number of days."""

import time
from collections.abc import Mapping
from functools import lru_cache

import msgspec

DAY_SECONDS = 86_400


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What turns used: ``turns`` that ended, seconds of audio heard and of speech delivered, and so on.

    Speech counts as it was delivered, tokens and audio as engines used them.
    """

    turns: int = 0
    audio_seconds: float = 0.0
    speech_characters: int = 0
    speech_seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Use") -> "Use":
        """Both together."""
        return Use(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class Place(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Where use is booked: on a day (UTC, ISO 8601), for the owner of a key, at a route.

    ``speculative`` use is that of turns which were begun early and never played.
    """

    day: str
    key: str
    route: str
    speculative: bool = False


def day_of(now: float) -> str:
    """The day (UTC) of ``now``, in seconds since 1970."""
    return _day(int(now // DAY_SECONDS))


@lru_cache(maxsize=16)  # every turn asks for today
def _day(number: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(number * DAY_SECONDS))


class Ledger:
    """The use of the last ``days`` days in the memory of this process; keys and routes are few, as configured."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._use: dict[Place, Use] = {}

    def add(self, place: Place, use: Use) -> None:
        """Book ``use``."""
        if place not in self._use:
            oldest = self.oldest(time.time())
            for kept in [kept for kept in self._use if kept.day < oldest]:
                del self._use[kept]
        self._use[place] = self._use.get(place, Use()) + use

    def all(self) -> Mapping[Place, Use]:
        """All use that is still kept."""
        oldest = self.oldest(time.time())
        return {place: use for place, use in self._use.items() if place.day >= oldest}

    @property
    def keep_seconds(self) -> int:
        """How long a day is kept after it began."""
        return self._days * DAY_SECONDS

    def oldest(self, now: float) -> str:
        """The first day that is kept at ``now``."""
        return day_of(now - (self._days - 1) * DAY_SECONDS)

    def days(self, now: float) -> list[str]:
        """The days that are kept at ``now``, the newest first."""
        return [day_of(now - back * DAY_SECONDS) for back in range(self._days)]
