"""Whether the words of somebody who pauses can be all that they want to say: "and then I", "my number is 0 1" are not.

The words that end no sentence are in ``open_words.toml``, by language.
"""

import re
import tomllib
from pathlib import Path
from typing import Literal

Ending = Literal["closed", "open", "unclear"]

_CLOSING = frozenset(".?!。？！؟।")
_PAUSING = frozenset(",;:-–—、，；：،")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ELLIPSIS = re.compile(r"(?:\.\.+|…)\W*$")
_DICTATED_DIGITS = re.compile(r"\b\d{1,4}(?:,?\s+\d{1,4})+\W*$")

_TABLES = tomllib.loads(Path(__file__).with_name("open_words.toml").read_text(encoding="utf-8"))
_OPEN_WORDS = {language: frozenset(words.split()) for language, words in _TABLES["words"].items()}
_OPEN_SUFFIXES = {language: tuple(endings.split()) for language, endings in _TABLES["suffixes"].items()}


def ending(text: str, language: str | None = None) -> Ending | None:
    """What ``text`` ends with; ``None`` when it has no words. ``language`` is a code of ISO 639-1, if it is known.

    Recognisers put a full stop behind anything: the last word counts more. A question mark they do not make up.
    """
    stripped = text.strip()
    words = [word.replace("’", "'") for word in _WORD.findall(stripped.lower())]
    if not words:
        return None
    last = stripped[-1]
    if last in "?？؟":
        return "closed"
    if last in _PAUSING or _ELLIPSIS.search(stripped) or _DICTATED_DIGITS.search(stripped):
        return "open"
    suffixes = _OPEN_SUFFIXES.get(language or _written_together(stripped))
    if suffixes is not None:
        is_open = stripped.rstrip("".join(_CLOSING)).endswith(suffixes)
    else:
        is_open = words[-1] in _open_words(words, language)
    if is_open:
        return "open"
    return "closed" if last in _CLOSING else "unclear"


def _open_words(words: list[str], language: str | None) -> frozenset[str]:
    """Those of the language, or of the one whose small words are the most in ``words``."""
    if language is not None:
        return _OPEN_WORDS.get(language, frozenset())
    return max(_OPEN_WORDS.values(), key=lambda known: sum(word in known for word in words))


def _written_together(text: str) -> str:
    """The language by its letters: kana are Japanese, and Han without kana is Chinese."""
    if any("\u3040" <= letter <= "\u30ff" for letter in text):
        return "ja"
    return "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in text) else ""
