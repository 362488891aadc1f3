"""Expands abbreviations: "Dr.", "e.g.", "No. 5", "St. John"."""

import re

from gateway.text.normalization.locale import Locale, any_of


class AbbreviationExpander:
    """Finds the abbreviations that a language lists."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self._words = locale.abbreviations | {
            _capitalised(written): _capitalised(said)
            for written, said in locale.abbreviations.items()
            if written[0].islower()
        }
        self._before_name = re.compile(
            rf"(?P<before>(?<!\w)[^\W\d_]+ )?(?<!\w)(?P<short>{any_of(locale.before_names)}) ?(?=[^\W\d_])"
        )
        # Not as a part of a longer number or date: "9/11", but not "9/11/2001".
        self._abbreviation = re.compile(rf"(?<![\w./])(?<!\d[-,]){any_of(self._words)}(?!\w|/\d|[-.,]\d)")
        self._numbered = re.compile(rf"(?<!\w)({any_of(locale.numbered)})\s?(?=\d)")

    def expand(self, text: str) -> str:
        """Write abbreviations in full."""
        if self._locale.before_names:
            text = self._before_name.sub(self._of_name, text)
        if self._words:
            text = self._abbreviation.sub(self._full_word, text)
        if self._locale.numbered:
            text = self._numbered.sub(lambda found: f"{self._locale.numbered[found[1]]} ", text)
        return text

    def _full_word(self, found: re.Match[str]) -> str:
        """The full word; a full stop that also ended the sentence is kept."""
        said = self._words[found[0]]
        rest = found.string[found.end() : found.end() + 2]
        return f"{said}." if found[0].endswith(".") and not rest.strip() and len(rest) < 2 else said

    def _of_name(self, found: re.Match[str]) -> str:
        """The title of a name, unless a capitalised word before it shows another meaning: "on Main St. Then"."""
        before = found["before"] or ""
        of_a_street = found["short"] in self._words and before[:1].isupper() and found.start() > 0
        if of_a_street or not found.string[found.end()].isupper():
            return found[0]
        return f"{before}{self._locale.before_names[found['short']]} "


def full_stop_kept(found: re.Match[str]) -> str:
    """The full stop to keep: "." if the abbreviation's full stop also ends the text, else ""."""
    return "." if found[0].endswith(".") and not found.string[found.end() :].strip() else ""


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]
