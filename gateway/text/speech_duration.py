"""Estimates how long a text takes to speak, before it is synthesised."""

import unicodedata
from bisect import bisect_right
from itertools import accumulate

from gateway.text.segmentation.punctuation import CLAUSES, TERMINATORS

CHARACTERS_PER_SECOND = 15.0
"""Normal speech: about 150 words a minute in an alphabetic script."""

WIDE_CHARACTER = 3
"""A character that is about one syllable (Han, kana, Hangul) counts as this many letters of an alphabet."""

SLOW_CHARACTERS_PER_SECOND = 10.0
"""Of a slow voice, or short words."""

DIGIT = 6
"""A digit of a long number takes a slow voice as long as this many letters of an alphabet."""

MARK_SECONDS = 0.25
"""The longest pause that engines leave after a clause or a sentence, beyond the time of a letter."""


def seconds_to_say(text: str) -> float:
    """Estimated seconds of speech for ``text`` at normal speed."""
    return sum(map(_letters, text)) / CHARACTERS_PER_SECOND


def characters_said(text: str, seconds: float) -> int:
    """How many characters of ``text`` have been said for certain after ``seconds`` at normal speed: rather too few."""
    return bisect_right(list(accumulate(map(_slow_seconds, text))), seconds)


def _letters(character: str) -> int:
    """How many letters of an alphabet take as long."""
    return WIDE_CHARACTER if unicodedata.east_asian_width(character) == "W" else 1


def _slow_seconds(character: str) -> float:
    letters = DIGIT if character.isdigit() else _letters(character)
    pause = MARK_SECONDS if character in CLAUSES or character in TERMINATORS else 0.0
    return letters / SLOW_CHARACTERS_PER_SECOND + pause
