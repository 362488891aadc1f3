"""Cuts a text into pieces that a synthesiser can take: what espeak-ng gets at once, or phrases to speak in turn."""

import re
from collections.abc import Iterator

PIECE_CHARACTERS = 200
WORD_CHARACTERS = 100
"""Longer pieces without a pause, and longer words, overflow the buffers of espeak-ng."""

FIRST_CHARACTERS = 15
"""The first phrase ends at the first pause after this many characters, so that its sound comes early."""

PHRASE_CHARACTERS = 60
"""Later phrases have this many characters or twice as many as the one before, whichever is more."""

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
    while (end := _cut(text, _masked(text))) < len(text):
        yield text[:end]
        text = text[end:]
    yield text


def phrases(text: str) -> Iterator[str]:
    """``text`` in phrases to be spoken one after the other; the first is short, and they grow up to 200 characters.

    A synthesiser as fast as speech itself then has each phrase ready when the one before has been heard. Every phrase
    is a piece in the sense of ``pieces``: cut at pauses where there are any.
    """
    length = 0
    while text:
        masked = _masked(text)
        end = _cut(text, masked)
        pauses = [found.end() for kind in _BREAKS[:2] for found in kind.finditer(masked, 0, end)]
        if end == len(text):
            pauses.append(end)
        most = max(PHRASE_CHARACTERS, 2 * length) if length else FIRST_CHARACTERS
        fitting = [pause for pause in pauses if pause <= most] if length else []
        later = [pause for pause in pauses if pause > most]
        end = max(fitting, default=min(later, default=end))
        yield text[:end]
        length, text = end, text[end:]


def ends_in_pause(text: str) -> bool:
    """Whether a speaker would pause after the piece ``text``: it ends at the end of a sentence or a clause."""
    masked = _masked(text)
    return any(found.end() == len(text) for kind in _BREAKS[:2] for found in kind.finditer(masked))


def is_spoken(text: str) -> bool:
    """Whether there is anything to say: engines read out the names of bare punctuation and emoji, or make noise."""
    return any(character.isalnum() for character in text)


def _masked(text: str) -> str:
    """The beginning of ``text`` without the marks that are part of phonemes."""
    return _PHONEMES.sub(lambda phonemes: "[" * len(phonemes[0]), text[: 2 * PIECE_CHARACTERS])


def _cut(text: str, masked: str) -> int:
    """Where the first piece of ``text`` ends."""
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
