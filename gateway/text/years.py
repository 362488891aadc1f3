"""Say years as people do where they are not said as numbers: "nineteen eighty-four", "the nineteen eighties"."""

import re

from gateway.text import numbers
from gateway.text.locale import Locale, any_of

_BEFORE = r"(?<![\w.,:/$€£¥#°^+–])(?<!^-)(?<![\W\d_]-)"


class Years:
    """Finds numbers that are said as years are."""

    def __init__(self, locale: Locale, language: str | None) -> None:
        self._language = language
        self._range = locale.range
        self._said_apart = locale.hundreds != "never"
        # What is counted or measured is a number; the noun is only told from other words where it is capitalised.
        counted = r"|\s[A-ZÄÖÜ]" if locale.hundreds == "uncounted" else ""
        measures = any_of([*locale.units, *locale.money, *locale.magnitudes])
        after = rf"(?![\w%°]|[.,:/–-]\d|[ \u00a0\u202f]?{measures}(?!\w){counted})"
        self._year = re.compile(rf"{_BEFORE}(1[1-9]\d\d|20\d\d){after}", re.ASCII)
        self._short_range = re.compile(rf"{_BEFORE}((?:1[1-9]|20)(\d\d))[–/-](\d\d)(?![\w.,:/–-])", re.ASCII)
        decade = re.escape(locale.decade) if locale.decade else "(?!)"
        self._decade = re.compile(rf"{_BEFORE}((?:1[1-9]|20)\d0)['’]?({decade})(?!\w)", re.ASCII)
        self._short_decade = re.compile(rf"(?:(?<=\bthe )|(?<=\bdie )|(?<=\bden )|(?<!\w)['’])([2-9]0)({decade})(?!\w)")

    def said(self, text: str) -> str:
        """The text with its years and decades in words."""
        if not self._said_apart:
            return text
        text = self._short_decade.sub(lambda found: self._ended(found[1], found[2]), text)
        text = self._decade.sub(lambda found: self._ended(found[1], found[2]), text)
        text = self._short_range.sub(self._both, text)
        return self._year.sub(lambda found: self.in_words(found[1]), text)

    def in_words(self, year: str) -> str:
        """In words where a year is not said as a number, else as it is."""
        return (numbers.in_words(int(year), self._language, "year") if self._said_apart else None) or year

    def _both(self, found: re.Match[str]) -> str:
        if int(found[2]) >= int(found[3]):
            return found[0]
        return f"{self.in_words(found[1])} {self._range} {int(found[3])}"

    def _ended(self, decade: str, ending: str) -> str:
        """English "nineties" changes the word; a German ending is only added."""
        words = numbers.in_words(int(decade), self._language, "year") or decade
        return f"{words[:-1]}ies" if ending == "s" and words.endswith("y") else words + ending
