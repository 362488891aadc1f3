"""Estimates how long a text takes to speak, before it is synthesised."""

import unicodedata

CHARACTERS_PER_SECOND = 15.0
"""Normal speech: about 150 words a minute in an alphabetic script."""

WIDE_CHARACTER = 3
"""A character that is about one syllable (Han, kana, Hangul) counts as this many letters of an alphabet."""


def seconds_to_say(text: str) -> float:
    """Estimated seconds of speech for ``text`` at normal speed."""
    characters = sum(WIDE_CHARACTER if unicodedata.east_asian_width(one) == "W" else 1 for one in text)
    return characters / CHARACTERS_PER_SECOND
