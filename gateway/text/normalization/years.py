"""Verbalizes years in languages that do not read them as numbers: "nineteen eighty-four", "the nineteen eighties"."""

import re

from gateway.text.normalization import numbers
from gateway.text.normalization.locale import Locale, any_of

_BEFORE = r"(?<![\w.,:/$€£¥#°^+–])(?<!^-)(?<![\W\d_]-)"


class YearVerbalizer:
    """Finds numbers that are read as years."""

    def __init__(self, locale: Locale, language: str | None) -> None:
        self._language = language
        self._range = locale.range
        self._said_apart = locale.hundreds != "never"
        # A number before a unit or a counted noun is no year; only a capitalised noun can be recognised.
        counted = r"|\s[A-ZÄÖÜ]" if locale.hundreds == "uncounted" else ""
        measures = any_of([*locale.units, *locale.money, *locale.magnitudes])
        after = rf"(?![\w%°]|[.,:/–-]\d|[ \u00a0\u202f]?{measures}(?!\w){counted})"
        self._year = re.compile(rf"{_BEFORE}(1[1-9]\d\d|20\d\d){after}", re.ASCII)
        self._short_range = re.compile(rf"{_BEFORE}((?:1[1-9]|20)(\d\d))[–/-](\d\d)(?![\w:/–-]|[.,]\d)", re.ASCII)
        decade = re.escape(locale.decade) if locale.decade else "(?!)"
        self._decade = re.compile(rf"{_BEFORE}((?:1[1-9]|20)\d0)['’]?({decade})(?!\w)", re.ASCII)
        self._short_decade = re.compile(rf"(?:(?<=\bthe )|(?<=\bdie )|(?<=\bden )|(?<!\w)['’])([2-9]0)({decade})(?!\w)")

    def verbalize(self, text: str) -> str:
        """Put years and decades into words."""
        if not self._said_apart:
            return text
        text = self._short_decade.sub(lambda found: self._ended(found[1], found[2]), text)
        text = self._decade.sub(lambda found: self._ended(found[1], found[2]), text)
        text = self._short_range.sub(self._both, text)
        return self._year.sub(lambda found: self.in_words(found[1]), text)

    def in_words(self, year: str) -> str:
        """The year in words if the language does not read it as a number, else unchanged."""
        return (numbers.in_words(int(year), self._language, "year") if self._said_apart else None) or year

    def _both(self, found: re.Match[str]) -> str:
        if int(found[2]) >= int(found[3]):
            return found[0]
        return f"{self.in_words(found[1])} {self._range} {int(found[3])}"

    def _ended(self, decade: str, ending: str) -> str:
        """A decade: English changes the word ("nineties"), German only adds an ending."""
        words = numbers.in_words(int(decade), self._language, "year") or decade
        return f"{words[:-1]}ies" if ending == "s" and words.endswith("y") else words + ending
