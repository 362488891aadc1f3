"""The text normalizer: turns the written utterances of one answer into speakable text."""

import re
from typing import Literal

import msgspec

from adapters.contract import tts
from gateway.text.normalization.characters import KEPT_SYMBOLS
from gateway.text.normalization.locale import locale_of
from gateway.text.normalization.markdown import MarkdownStripper
from gateway.text.normalization.pronunciations import PronunciationLexicon
from gateway.text.normalization.verbalizer import verbalizer_of

_SPACE = re.compile(r"\s+")
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[,.;!?](?:\s|$))")
_PAUSES = re.compile(r"\s*(?:,\s*)+,")


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
        self._verbalizer = verbalizer_of(language, info.reads)
        self._markdown = MarkdownStripper(reading.code, locale_of(language).code, self._verbalizer.formulas)
        self._pronunciations = PronunciationLexicon(reading.pronunciations, info)

    def normalize(self, text: str) -> str:
        """The speakable text of the next utterance, on one line; "" if there is nothing to say."""
        text = self._pronunciations.apply(self._markdown.plain(text), self._verbalizer.verbalize)
        text = _PAUSES.sub(",", _SPACE_BEFORE_MARK.sub("", _SPACE.sub(" ", text))).lstrip(" ,").rstrip()
        return text if any(character.isalnum() or character in KEPT_SYMBOLS for character in text) else ""
