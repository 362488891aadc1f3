"""How long it takes to say a text, roughly: before it is synthesised nobody knows better."""

import unicodedata

CHARACTERS_PER_SECOND = 15.0
"""Of normal speech: about 150 words a minute of an alphabetic script."""

WIDE_CHARACTER = 3
"""Characters of an alphabet that take as long to say as one that is about a syllable: Han, kana, Hangul."""


def seconds_to_say(text: str) -> float:
    """Seconds that ``text`` takes at normal speed."""
    characters = sum(WIDE_CHARACTER if unicodedata.east_asian_width(one) == "W" else 1 for one in text)
    return characters / CHARACTERS_PER_SECOND
