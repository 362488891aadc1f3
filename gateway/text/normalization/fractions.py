"""Verbalizes fractions and mixed numbers: "½", "3/4", "2 1/2 cups", together with the unit behind them."""

import re
import unicodedata

from gateway.text.normalization.locale import Locale, any_of, counted, noun_of, part_of

_SIGNS = "¼½¾⅐-⅞↉"
_NUMERATOR_ONE = "⅟"


class FractionVerbalizer:
    """Finds fraction signs and fractions in digits for which the language has words."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        unit = rf"(?:[ \u00a0\u202f]?(?P<unit>{any_of(locale.units)})(?![\w²³]|/\w))?"
        sign = rf"(?<![{_SIGNS}])(?P<sign>[{_SIGNS}]|{_NUMERATOR_ONE}\d{{1,2}})(?![{_SIGNS}])"
        fraction = r"(?P<fraction>(?P<top>\d{1,2})/(?P<bottom>\d{1,3}))"
        self._sign = re.compile(rf"(?:(?<![\w.,/])(?P<whole>\d{{1,3}})[ \u00a0\u202f]?)?{sign}{unit}")
        self._digits = re.compile(
            rf"(?<![\w.,/:-])(?:(?P<whole>\d{{1,3}})[ \u00a0\u202f])?{fraction}(?![\w/]|[.,]\d|-\d){unit}",
            re.ASCII,
        )

    def verbalize(self, text: str) -> str:
        """Put fractions into words; one in digits that is not smaller than 1 is kept, it may be a date or a score."""
        if not self._locale.fractions:
            return text
        text = self._sign.sub(self._of_sign, text)
        return self._digits.sub(self._of_digits, text) if "/" in text else text

    def _of_sign(self, found: re.Match[str]) -> str:
        written = unicodedata.normalize("NFKC", found["sign"]).replace("⁄", "/")
        top, _, bottom = written.partition("/")
        words = self._words(top, bottom) or f"{top} {self._locale.mathematics['/']} {bottom}"
        said = self._with_whole(found, words, half=written == "1/2")
        before, after = found.string[found.start() - 1 : found.start()], found.string[found.end() : found.end() + 1]
        return f"{_space(before)}{said}{_space(after)}"

    def _of_digits(self, found: re.Match[str]) -> str:
        if int(found["top"]) >= int(found["bottom"]):
            return found[0]
        words = self._words(found["top"], found["bottom"])
        return self._with_whole(found, words, half=found["fraction"] == "1/2") if words else found[0]

    def _words(self, top: str, bottom: str) -> str | None:
        listed = self._locale.fractions.get(f"{top}/{bottom}")
        if listed or bottom not in self._locale.denominators:
            return listed
        return counted(top, self._locale.denominators[bottom], self._locale)

    def _with_whole(self, found: re.Match[str], words: str, *, half: bool) -> str:
        whole, unit = found["whole"], found["unit"]
        if whole and half and self._locale.and_a_half:
            words = self._locale.and_a_half.format(whole)
        elif whole:
            words = (" " if self._locale.spaced else "").join(filter(None, [whole, self._locale.mixed, words]))
        if not unit:
            return words
        forms = self._locale.units[unit]
        return f"{words} {noun_of(forms, self._locale, several=True) if whole else part_of(forms, self._locale)}"


def _space(neighbour: str) -> str:
    return " " if neighbour.isalnum() else ""
