"""The answer of ``POST /moderations``, and what of it counts."""

from collections.abc import Iterator

import msgspec

from adapters.contract.guard import Verdict
from adapters.upstream import ErrorFactory


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What the server thinks of one text; some leave categories or scores out, or null."""

    flagged: bool
    categories: dict[str, bool | None] = {}
    category_scores: dict[str, float | None] = {}


class Moderation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer."""

    results: list[Result]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Which categories count, all if none is named; those with a threshold (0 to 1) by their score."""

    categories: tuple[str, ...]
    thresholds: dict[str, float]


class VerdictReader:
    """Reads an answer by ``rules``; raises ``UpstreamError`` for one that cannot be judged by them."""

    def __init__(self, errors: ErrorFactory, rules: Rules) -> None:
        self._errors = errors
        self._rules = rules
        self.done = False

    def feed(self, data: bytes, name: str | None = None) -> Iterator[Verdict]:
        """Moderations are not streamed."""
        raise self._errors.upstream_error("streamed an answer that was wanted as one document")

    def whole(self, data: bytes) -> Iterator[Verdict]:
        """The verdict. Raises ``UpstreamError``."""
        try:
            results = msgspec.json.decode(data, type=Moderation).results
        except (msgspec.DecodeError, UnicodeDecodeError):
            results = []
        if not results:
            raise self._errors.upstream_error("sent no moderation")
        found = dict.fromkeys(category for result in results for category in self._flagged(result))
        unnamed = not self._rules.categories and not self._rules.thresholds
        self.done = True
        yield Verdict(
            flagged=bool(found) or (unnamed and any(result.flagged for result in results)), categories=tuple(found)
        )

    def finish(self, *, marked: bool = False) -> Iterator[Verdict]:
        """Nothing follows."""
        yield from ()

    def _flagged(self, result: Result) -> Iterator[str]:
        categories, thresholds = self._rules.categories, self._rules.thresholds
        for name in (*categories, *thresholds):
            if name not in (result.category_scores if name in thresholds else result.categories):
                raise self._errors.upstream_error(f"knows no moderation category {name!r}")
        for name, limit in thresholds.items():
            if (result.category_scores[name] or 0.0) >= limit:
                yield name
        for name, flagged in result.categories.items():
            if flagged and name not in thresholds and (name in categories or not (categories or thresholds)):
                yield name
