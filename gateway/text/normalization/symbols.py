"""Verbalizes mathematical and other signs: minus, ratios, operators, arrows, the slash between two words."""

import re

from gateway.text.normalization.locale import Locale, any_of

_MINUS = re.compile(r"(?<![\w)\]}.,%°−–-])[-−](?=\d)|(?<![^\s(\[])(?<!\d )–(?=\d)")
_SUBTRACTION = re.compile(r"(?<=\d) [-–−] (?=\d[\d.,]* ?=)|(?<=\d) − (?=\d)")
_TIMES = re.compile(r"(?<=\d)\s?[*xX]\s?(?=\d)|(?<=\d)[xX](?![\w-])")
# Between words without spaces, only signs that cannot be markup, an address or code.
_TIGHT_SIGN = re.compile(r"(?<=[\w)²³])[×÷≠≈≤≥±](?=[\w(])|(?<=[^\W_])=(?=[^\W_])|(?<=[^\W_])[<>](?=\d)")
_RATIO = re.compile(r"(?<![\w.,:/-])(\d{1,3}):(\d{1,3})(?![\w:/-]|[.,]\d)", re.ASCII)
_SPACED_RATIO = re.compile(r"(?<![\w.,:/-])(\d{1,3}) : (\d{1,3})(?![\w:/-]|[.,]\d| :)", re.ASCII)
_TIME_OF_DAY = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d", re.ASCII)
_FEET_AND_INCHES = re.compile(r"(?<![\w.,])(\d)(?:['′’] ?|\s?ft\s)(\d{1,2})(?:[\"″”]|\s?in(?!\w)|''|(?!\w))", re.ASCII)
_WRITTEN_ARROW = re.compile(r"(?<=\s)[-=]{1,2}>(?=\s)")
_ARROW = re.compile("[→←↑↓↔]")
_SLASH = re.compile(r"(?<![\w/.\\@~-])([^\W\d_]{1,30})/([^\W\d_]{1,30})(?![\w/\\-]|\.\w)")
_SLASH_BEFORE_NUMBER = re.compile(r"(?<=[^\W\d_]{3})/(?=\d)")


class SymbolVerbalizer:
    """Finds signs that the language has words for."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self._symbol = re.compile(
            rf"(?<![^\s\d)])(?:{any_of(sign for sign in locale.symbols if sign not in '→←↑↓↔')})(?![^\s\d(])"
        )
        self._named = {sign: word for sign, name in _NAMES.items() if (word := locale.mathematics.get(name))}
        self._prefix = re.compile(any_of(self._named))

    def verbalize_numbers(self, text: str) -> str:
        """Put feet and inches, ratios and the minus of a number into words; before prices and measures."""
        if self._locale.feet_and_inches:
            text = _FEET_AND_INCHES.sub(lambda found: self._locale.feet_and_inches.format(*found.groups()), text)
        if self._locale.ratio:
            text = _SPACED_RATIO.sub(r"\1:\2", text)
            text = _RATIO.sub(self._ratio, text)
        return _MINUS.sub(f"{self._locale.minus} ", text) if self._locale.minus else text

    def verbalize(self, text: str) -> str:
        """Put the remaining signs into words; an arrow without a word becomes a pause."""
        symbols = self._locale.symbols
        if symbols:
            text = _SUBTRACTION.sub(f" {self._locale.minus} ", text)
            text = _TIMES.sub(f" {symbols['×']} ", text)
            text = _TIGHT_SIGN.sub(lambda found: f" {symbols.get(found[0], found[0])} ", text)
            text = _WRITTEN_ARROW.sub("→", text)
            text = _ARROW.sub(lambda found: f" {symbols[found[0]]} " if found[0] in symbols else ", ", text)
        text = self._prefix.sub(lambda found: f" {self._named[found[0]]} ", text)
        text = self._symbol.sub(lambda found: f" {symbols[found[0]]} ", text)
        return _SLASH_BEFORE_NUMBER.sub(", ", _SLASH.sub(r"\1 \2", text))

    def _ratio(self, found: re.Match[str]) -> str:
        """In a language without words for times of day, one such is kept apart from ratios."""
        if not self._locale.time and _TIME_OF_DAY.fullmatch(found[0]):
            return found[0]
        return f"{found[1]} {self._locale.ratio} {found[2]}"


_NAMES = {"√": "sqrt", "∞": "infty", "∑": "sum", "∫": "int"}
"""Signs and the LaTeX commands under which a language lists their words."""
