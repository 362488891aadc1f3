"""The text normalizer: turns the written utterances of one answer into speakable text."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import msgspec

from adapters.contract import tts
from gateway.text.normalization.abbreviated import AbbreviatedForms
from gateway.text.normalization.addresses import AddressVerbalizer
from gateway.text.normalization.formulas import FormulaVerbalizer
from gateway.text.normalization.locale import locale_of
from gateway.text.normalization.markdown import MarkdownStripper
from gateway.text.normalization.numbers import NumberVerbalizer
from gateway.text.normalization.pronunciations import PronunciationLexicon

_SPACE = re.compile(r"\s+")
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[,.;!?](?:\s|$))")
_PAUSES = re.compile(r"\s*(?:,\s*)+,")
_PHONEME_BRACKETS = re.compile(r"\[\[+|\]\]+")

_KEPT_SYMBOLS = frozenset("+−×÷=<>±≠≤≥≈√∞%‰°^|~$€£¥₹′″&@#§©®™№℃℉½¼¾µ→")
_JOINERS = frozenset("\u200c\u200d")


class ReadingOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How answers are read aloud: whether code is omitted or read, and the pronunciation lexicon."""

    code: Literal["omit", "read"] = "omit"
    pronunciations: dict[str, str] = {}


class Normalizer:
    """Normalizes the utterances of one answer, in order; ``language`` (ISO 639-1) is the answer's, if known.

    Markup, code, addresses and pictographs are removed or put into words. Numbers, dates, money and similar are written
    out if the language has rules and the engine does not read them itself (``info.reads``). Letters and marks of every
    script are kept. Time is linear in the length of the text.
    """

    def __init__(self, reading: ReadingOptions, language: str | None, info: tts.Info) -> None:
        self._verbalizer = _verbalizer(language, info.reads)
        self._markdown = MarkdownStripper(reading.code, locale_of(language).code, self._verbalizer.formulas)
        self._pronunciations = PronunciationLexicon(reading.pronunciations, info)

    def normalize(self, text: str) -> str:
        """The speakable text of the next utterance, on one line; "" if there is nothing to say."""
        text = self._pronunciations.apply(self._markdown.plain(text), self._verbalizer.verbalize)
        text = _PAUSES.sub(",", _SPACE_BEFORE_MARK.sub("", _SPACE.sub(" ", text))).lstrip(" ,").rstrip()
        return text if any(character.isalnum() or character in _KEPT_SYMBOLS for character in text) else ""


class _Verbalizer:
    """Puts plain text into words for one language and engine."""

    def __init__(self, language: str | None, reads: frozenset[tts.Readable]) -> None:
        locale = locale_of(language)
        numbers = NumberVerbalizer(locale, language, words="numbers" not in reads)
        mathematics = FormulaVerbalizer(locale)
        self.formulas = mathematics.formulas
        addresses = AddressVerbalizer({} if "notation" in reads else locale.address)
        self._steps: list[Callable[[str], str]] = [addresses.verbalize]
        # Only a known language tells whether a comma groups digits or is the decimal mark.
        if locale.point and "notation" not in reads:
            self._steps.append(AbbreviatedForms(locale, language, numbers).verbalize)
        self._steps.append(mathematics.powers)
        if language and "numbers" not in reads:
            self._steps.append(numbers.verbalize)

    def verbalize(self, text: str) -> str:
        for step in self._steps:
            text = step(text)
        text = _PHONEME_BRACKETS.sub(" ", text)
        return "".join(character for index, character in enumerate(text) if _is_said(text, index, character))


@lru_cache(maxsize=256)
def _verbalizer(language: str | None, reads: frozenset[tts.Readable]) -> _Verbalizer:
    """Cached, because a language's patterns take milliseconds to compile."""
    return _Verbalizer(language, reads)


def _is_said(text: str, index: int, character: str) -> bool:
    """Whether the character can be spoken: no pictograph, drawing or invisible character."""
    if character.isascii():
        return character.isprintable() or character.isspace()
    category = unicodedata.category(character)
    if category[0] in "LNPZ" or category in {"Sc", "Mc"} or character in _KEPT_SYMBOLS:
        return True
    if category in {"Mn", "Me"} and not _is_selector(character):
        return True
    if character in _JOINERS or category[0] == "M":
        # Part of a word in many scripts, part of a pictograph elsewhere.
        before = text[index - 1] if index else ""
        return before != "" and unicodedata.category(before)[0] in "LM" and not _is_selector(before)
    return False


def _is_selector(character: str) -> bool:
    """A variation selector or an enclosing keycap, which only changes the look of the character before it."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef" or character == "\u20e3"
