"""Verbalizes measures, durations and rates: "5 km", "2h 30m", "$5/month", "3 times/day"."""

import re

from gateway.text.normalization.locale import SPACED_WORD, Locale, any_of, counted, noun_of

_SPACES = "[ \u00a0\u202f]?"
# In a duration "m" is a minute, not a metre; the Cyrillic letters are those of Russian, Ukrainian and Bulgarian.
_DURATION = re.compile(
    rf"(?<![\w.,:/])(?=\d)(?:(?P<h>\d{{1,4}}){_SPACES}(?:hrs?|h|ч|год)(?![^\W\d]){_SPACES})?"
    rf"(?:(?P<min>\d{{1,4}}){_SPACES}(?:min|m|мин|м|хв)(?![^\W\d]){_SPACES})?"
    rf"(?:(?P<s>\d{{1,4}}){_SPACES}(?:secs?|s|сек|с)(?!\w))?(?!\w)"
)
_SECONDS = ("s", "sec")
"""The unit of seconds, by what a language may call it: in some "s" is a word."""


class MeasureVerbalizer:
    """Finds quantities with a unit, whose numbers are plain, without group marks."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        number = rf"\d+(?:{re.escape(locale.decimal)}\d+)?"
        units, money = any_of(locale.units), any_of(locale.money)
        self._seconds = next((unit for unit in _SECONDS if unit in locale.units), "")
        self._measure = re.compile(
            rf"(?<!{SPACED_WORD})(?<![.,])(?P<number>{number})(?:{_SPACES}|-)(?P<unit>{units})"
            rf"(?!{SPACED_WORD}|[²³]|/[^\W\d]|['’][^\W\d])"
        )
        self._slashed = [unit for unit in locale.units if "/" in unit]
        without_number = [unit for unit in locale.units if re.search(r"\w[/²³]|°\w", unit)]
        self._lone_unit = re.compile(rf"(?<![\w/.°])({any_of(without_number)})(?![\w/²³])")
        magnitude = rf"(?:{_SPACES}{any_of(locale.magnitudes)}(?!\w))?"
        per = rf"(?P<rates>(?:{_SPACES}/{_SPACES}[^\W\d_]{{1,20}}[²³]?){{1,2}})(?![\w/])"
        self._price_rate = re.compile(
            rf"(?<!\w)(?P<quantity>(?:{money}){_SPACES}{number}{magnitude}|{number}{magnitude}{_SPACES}(?:{money})){per}"
        )
        self._rate = re.compile(rf"(?<![\w.,])(?P<quantity>{number}{_SPACES}(?:{units}|[^\W\d_]{{1,20}})){per}")

    def verbalize_rates(self, text: str) -> str:
        """Write the slash of rates as a word; before prices and measures are put into words."""
        if "/" not in text or not (self._locale.rates or self._locale.per):
            return text
        text = self._price_rate.sub(lambda found: self._rates(found, any_word=True), text)
        return self._rate.sub(lambda found: self._rates(found, any_word=False), text)

    def verbalize(self, text: str) -> str:
        """Put measures and durations into words and plain numbers."""
        if not self._locale.units:
            return text
        text = _DURATION.sub(self._duration, text)
        return self._measure.sub(self._measured, text)

    def verbalize_lone_units(self, text: str) -> str:
        """Put units without a number into words where they cannot be anything else: "in km/h", "per m²"."""
        return self._lone_unit.sub(self._without_number, text)

    def _without_number(self, found: re.Match[str]) -> str:
        per = self._locale.per.partition("{}")[0]
        several = not per or not found.string.endswith(per, 0, found.start())
        return noun_of(self._locale.units[found[1]], self._locale, several=several)

    def _rates(self, found: re.Match[str], *, any_word: bool) -> str:
        words = [word.strip() for word in found["rates"].split("/")[1:]]
        if any(
            unit.endswith(f"/{words[0]}") and found["quantity"].endswith(unit.partition("/")[0])
            for unit in self._slashed
        ):
            return found[0]
        said = [self._per(word, any_word=any_word) for word in words]
        return " ".join([found["quantity"], *filter(None, said)]) if all(said) else found[0]

    def _per(self, word: str, *, any_word: bool) -> str | None:
        if word in self._locale.rates:
            return self._locale.rates[word]
        if not self._locale.per:
            return None
        if word in self._locale.units:
            return self._locale.per.format(noun_of(self._locale.units[word], self._locale, several=False))
        return self._locale.per.format(word) if any_word else None

    def _duration(self, found: re.Match[str]) -> str:
        """Two or three of hours, minutes and seconds, each with the unit that the language knows."""
        units = {"h": "h", "min": "min", "s": self._seconds}
        parts = [f"{found[name]} {unit}" for name, unit in units.items() if found[name] and unit in self._locale.units]
        return " ".join(parts) + found[0][len(found[0].rstrip()) :] if len(parts) > 1 else found[0]

    def _measured(self, found: re.Match[str]) -> str:
        """A full stop of the unit that also ended the sentence is kept: "at 5 p.m. Then"."""
        if found["unit"] in self._locale.ordinal_suffixes and len(found["number"]) == 1:
            return found[0]  # "2°" is second, "90°" is an angle
        said = counted(found["number"], self._locale.units[found["unit"]], self._locale)
        rest = found.string[found.end() : found.end() + 8].strip()
        return f"{said}." if found[0].endswith(".") and (not rest or rest[0].isupper()) else said
