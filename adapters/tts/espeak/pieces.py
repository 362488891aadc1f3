"""Cuts a text into pieces that the library can take: long ones without a pause overflow its buffers."""

import re
from collections.abc import Iterator

PIECE_CHARACTERS = 200
WORD_CHARACTERS = 100

_BREAKS = (
    re.compile(r"[.!?…][\"'’”»)\]]*\s+|[。！？।؟]"),
    re.compile(r"[,;:–—]\s+|[，、；：،]"),
    re.compile(r"\s+"),
)
"""Ends of sentences, of clauses, of words."""

_LONG_WORD = re.compile(rf"[^\s。！？।؟，、；：،]{{{WORD_CHARACTERS}}}(?=\S)")
_PHONEMES = re.compile(r"\[\[.*?\]\]", re.DOTALL)


def pieces(text: str) -> Iterator[str]:
    """``text`` in pieces of at most 200 characters, with words of at most 100.

    It is cut where a speaker would pause, else between words, else anywhere. Phonemes between ``[[`` and ``]]`` count
    as one word.
    """
    while (end := _cut(text)) < len(text):
        yield text[:end]
        text = text[end:]
    yield text


def _cut(text: str) -> int:
    """Where the first piece of ``text`` ends."""
    masked = _PHONEMES.sub(lambda phonemes: "[" * len(phonemes[0]), text[: 2 * PIECE_CHARACTERS])
    long_word = _LONG_WORD.search(masked, 0, PIECE_CHARACTERS + 1)
    if long_word:
        return long_word.start() or WORD_CHARACTERS
    if len(text) <= PIECE_CHARACTERS:
        return len(text)
    for kind in _BREAKS:
        ends = [found.end() for found in kind.finditer(masked, 0, PIECE_CHARACTERS)]
        if ends:
            return ends[-1]
    return WORD_CHARACTERS
