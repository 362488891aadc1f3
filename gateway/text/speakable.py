"""Turn the utterances of one written answer into what a person would read aloud."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import msgspec

from adapters.contract import tts
from gateway.text.addresses import Addresses
from gateway.text.locale import locale_of
from gateway.text.markdown import Markdown
from gateway.text.mathematics import Mathematics
from gateway.text.notation import Notation
from gateway.text.numbers import Numbers
from gateway.text.pronunciations import Pronunciations

_SPACE = re.compile(r"\s+")
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[,.;!?](?:\s|$))")
_PAUSES = re.compile(r"\s*(?:,\s*)+,")
_PHONEME_BRACKETS = re.compile(r"\[\[+|\]\]+")

_KEPT_SYMBOLS = frozenset("+−×÷=<>±≠≤≥≈√∞%‰°^|~$€£¥₹′″&@#§©®™№℃℉½¼¾µ→")
_JOINERS = frozenset("\u200c\u200d")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How answers are read: whether code is left out or read, and words that are pronounced otherwise than written."""

    code: Literal["omit", "read"] = "omit"
    pronunciations: dict[str, str] = {}


class Speakable:
    """Makes the utterances of one answer speakable, in turn; ``language`` is that of the answer, if it is known.

    Markup, code, addresses and pictographs go or are put into words; numbers, dates, money and the like are written
    out as far as the language is known and ``info`` does not say that the engine reads them; letters and marks of every
    script stay. Time is linear in the text.
    """

    def __init__(self, reading: Reading, language: str | None, info: tts.Info) -> None:
        self._wording = _wording(language, info.reads)
        self._markdown = Markdown(reading.code, locale_of(language).code, self._wording.formulas)
        self._pronunciations = Pronunciations(reading.pronunciations, info)

    def say(self, text: str) -> str:
        """What of the next utterance is to be said, on one line; "" if nothing is."""
        text = self._pronunciations.apply(self._markdown.plain(text), self._wording.said)
        text = _PAUSES.sub(",", _SPACE_BEFORE_MARK.sub("", _SPACE.sub(" ", text))).lstrip(" ,").rstrip()
        return text if any(character.isalnum() or character in _KEPT_SYMBOLS for character in text) else ""


class _Wording:
    """Puts plain text into words for one language and engine."""

    def __init__(self, language: str | None, reads: frozenset[tts.Readable]) -> None:
        locale = locale_of(language)
        numbers = Numbers(locale, language, words="numbers" not in reads)
        mathematics = Mathematics(locale)
        self.formulas = mathematics.formulas
        addresses = Addresses({} if "notation" in reads else locale.address)
        self._steps: list[Callable[[str], str]] = [addresses.said]
        # Whether a comma groups or parts the digits is known only where the language is.
        if locale.point and "notation" not in reads:
            self._steps.append(Notation(locale, language, numbers).said)
        self._steps.append(mathematics.powers)
        if language and "numbers" not in reads:
            self._steps.append(numbers.spelled)

    def said(self, text: str) -> str:
        for step in self._steps:
            text = step(text)
        text = _PHONEME_BRACKETS.sub(" ", text)
        return "".join(character for index, character in enumerate(text) if _is_said(text, index, character))


@lru_cache(maxsize=256)
def _wording(language: str | None, reads: frozenset[tts.Readable]) -> _Wording:
    """Kept, because a language's patterns take milliseconds to build."""
    return _Wording(language, reads)


def _is_said(text: str, index: int, character: str) -> bool:
    """Whether this character is for the ear: no pictographs, drawing, or invisible characters."""
    if character.isascii():
        return character.isprintable() or character.isspace()
    category = unicodedata.category(character)
    if category[0] in "LNPZ" or category in {"Sc", "Mc"} or character in _KEPT_SYMBOLS:
        return True
    if category in {"Mn", "Me"} and not _is_selector(character):
        return True
    if character in _JOINERS or category[0] == "M":
        # Part of a word in many scripts, of a picture elsewhere.
        before = text[index - 1] if index else ""
        return before != "" and unicodedata.category(before)[0] in "LM" and not _is_selector(before)
    return False


def _is_selector(character: str) -> bool:
    """A variation selector or an enclosing keycap: alone it only shapes the picture or digit before it."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef" or character == "\u20e3"
