"""The configured pronunciation lexicon: replacements for words that an engine would pronounce wrongly."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache

from adapters.contract import tts
from gateway.text.segmentation import punctuation


def unusable_entries(entries: Mapping[str, str], info: tts.Info) -> tuple[str, ...]:
    """Words whose entries contain phonemes although the engine takes none."""
    return () if info.phonemes else tuple(word for word, said in entries.items() if "[[" in said)


class PronunciationLexicon:
    """Finds the lexicon's words: whole words, longest first, in any case unless the entry has capital letters.

    In scripts without spaces a word is found at any position.
    """

    def __init__(self, entries: Mapping[str, str], info: tts.Info) -> None:
        unusable = unusable_entries(entries, info)
        words = sorted((word for word in entries if word and word not in unusable), key=len, reverse=True)
        # Grouped by which ends must be word boundaries; the pattern's groups have the same order as this list.
        kinds = [(True, True), (True, False), (False, True), (False, False)]
        sorted_out = {kind: [word for word in words if _bounded(word) == kind] for kind in kinds}
        self._said = [
            f" {said} " if "[[" in said else said for said in (entries[w] for k in kinds for w in sorted_out[k])
        ]
        self._pattern = (
            re.compile("|".join(_pattern(sorted_out[kind], *kind) for kind in kinds if sorted_out[kind]))
            if words
            else None
        )

    def apply(self, text: str, otherwise: Callable[[str], str]) -> str:
        """Replace known words, and transform the text between them with ``otherwise``."""
        if self._pattern is None:
            return otherwise(text)
        said: list[str] = []
        end = 0
        for found in self._pattern.finditer(text):
            said.append(otherwise(text[end : found.start()]))
            said.append(self._said[(found.lastindex or 1) - 1])
            end = found.end()
        return "".join([*said, otherwise(text[end:])])


def _pattern(words: list[str], before: bool, after: bool) -> str:
    """A pattern with one group per word."""
    literals = (re.escape(word) if word != word.lower() else f"(?i:{re.escape(word)})" for word in words)
    start = f"(?<![{_word_characters()}])" if before else ""
    end = f"(?![{_word_characters()}])" if after else ""
    return f"{start}(?:{'|'.join(f'({literal})' for literal in literals)}){end}"


def _bounded(word: str) -> tuple[bool, bool]:
    return _needs_boundary(word[0]), _needs_boundary(word[-1])


def _needs_boundary(edge: str) -> bool:
    return unicodedata.category(edge)[0] in "LMN" and not punctuation.UNSPACED.match(edge)


@cache
def _word_characters() -> str:
    r"""A character class: ``\w`` plus the marks and joiners that it lacks (vowel signs, virama)."""
    starts = [code for code in range(0x20000) if _is_mark(code) and not _is_mark(code - 1)]
    ends = [code for code in range(0x20000) if _is_mark(code) and not _is_mark(code + 1)]
    ranges = "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))
    return rf"\w{ranges}\u200c\u200d"


def _is_mark(code: int) -> bool:
    return code >= 0 and unicodedata.category(chr(code))[0] == "M"
