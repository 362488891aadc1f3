"""Spells out numbers: cardinals, decimals, ordinals and years, with num2words where it supports the language."""

import re
from functools import lru_cache
from typing import Literal

import num2words

from gateway.text.normalization.locale import Locale, primary_of

LONGEST = 15
"""The most digits of a number that is read as a whole (quadrillions); longer numbers are read digit by digit."""

_WORDY = re.compile(r"[^\W\d_]")
_SPACELESS = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_LIBRARY_NAMES = {"kk": "kz"}
# The library writes Turkish numbers without spaces, as on cheques; normal text has spaces (TDK, Yazım Kılavuzu).
_TURKISH_WORD = re.compile(
    r"(trilyon|milyar|milyon|bin|yüz|on|yirmi|otuz|kırk|elli|altmış|yetmiş|seksen|doksan"
    r"|bir|iki|üç|dört|beş|altı|yedi|sekiz|dokuz)(?=\w)"
)


@lru_cache(maxsize=4096)
def in_words(number: int, language: str | None, kind: Literal["cardinal", "ordinal", "year"]) -> str | None:
    """``number`` (not negative) in words, or ``None`` if the library cannot do it in this language."""
    primary = primary_of(language)
    name = (language or "").replace("-", "_") if primary in {"pt", "en", "fr"} else primary
    candidates = [each for each in (name, _LIBRARY_NAMES.get(primary, primary)) if each in num2words.CONVERTER_CLASSES]
    if not candidates or len(str(number)) > LONGEST:
        return None
    try:
        words = num2words.num2words(number, lang=candidates[0], to=kind)
    except (NotImplementedError, OverflowError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        # The languages of the library differ in what they implement and in the exceptions they raise.
        return None
    if primary == "tr" and kind == "cardinal":
        words = _TURKISH_WORD.sub(r"\1 ", words)
    # A synthesiser would pause at commas between thousands.
    return words.replace(",", "") if isinstance(words, str) and _WORDY.search(words) else None


class NumberVerbalizer:
    """Writes numbers in words, or as plain digits with the language's decimal mark for an engine that reads digits."""

    def __init__(self, locale: Locale, language: str | None, *, words: bool) -> None:
        self._locale = locale
        self._language = language
        self._words = words
        self._space = " " if locale.spaced else ""
        point, groups = re.escape(locale.decimal), f"[{re.escape(locale.groups)}\u00a0\u202f]"
        other = "." if locale.decimal == "," else ","
        # Lakhs and crores: 1,23,45,678.
        indian = "[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}" if "," in locale.groups else "(?!)"
        self._written = re.compile(
            rf"(?<![\d.,])(?<!\d:)(?:(?P<grouped>[0-9]{{1,3}}(?:{groups}[0-9]{{3}})+|{indian})(?:{point}(?P<part>[0-9]+))?(?!\d|[.,]\d)"
            rf"|(?P<foreign>[0-9]{{1,3}}(?:{point}[0-9]{{3}})+){re.escape(other)}(?P<foreign_part>[0-9]+)(?!\d)"
            rf"|(?P<whole>[0-9]+)\.(?P<english>[0-9]+)(?![\d]|[.,]\d))"
        )
        self._plain = re.compile(rf"(?<!\d)(?P<whole>\d+)(?:{point}(?P<part>\d+)(?!\.?\d))?")

    def plain(self, text: str) -> str:
        """Remove group marks and use the language's decimal mark: "1.234,5" becomes "1234,5" in German."""
        return self._written.sub(self._plainly, text)

    def _plainly(self, found: re.Match[str]) -> str:
        whole = found["grouped"] or found["foreign"] or found["whole"]
        part = found["part"] or found["foreign_part"] or found["english"]
        whole = re.sub(r"\D", "", whole)
        return f"{whole}{self._locale.decimal}{part}" if part else whole

    def verbalize(self, text: str) -> str:
        """Spell out plain numbers if the engine cannot read digits; too long ones digit by digit in any case."""
        return self._plain.sub(self._spell, text)

    def _spell(self, found: re.Match[str]) -> str:
        whole, part = found["whole"], found["part"]
        said = self._cardinal(whole)
        if part and self._words:
            said = self._space.join([said, self._locale.point, self._fraction(part)])
        elif part:
            said = f"{said}{self._locale.decimal}{part}"
        if said == found[0]:
            return said
        before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
        return f"{_space(before)}{said}{_space(after)}"

    def _cardinal(self, digits: str) -> str:
        if len(digits) > LONGEST or (len(digits) > 1 and int(digits[0]) == 0):
            return " ".join(self._cardinal(digit) for digit in digits)
        return (in_words(int(digits), self._language, "cardinal") if self._words else None) or digits

    def _fraction(self, digits: str) -> str:
        if self._locale.fraction == "digits" or len(digits) > 3:
            return self._space.join(map(self._cardinal, digits))
        stripped = digits.lstrip("0")
        zeros = [self._cardinal("0")] * (len(digits) - len(stripped))
        return " ".join([*zeros, self._cardinal(stripped)] if stripped else zeros)


def _space(neighbour: str) -> str:
    """A space between a spelled number and a neighbouring letter, except in scripts without spaces."""
    return " " if neighbour.isalnum() and not _SPACELESS.match(neighbour) else ""
