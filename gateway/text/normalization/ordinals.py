"""Verbalizes ordinal numbers: "2nd", "3.º", German "im 19. Jahrhundert", listed ones such as "1er"."""

import re

from gateway.text.normalization.locale import Locale, any_of
from gateway.text.normalization.numbers import in_words


class OrdinalVerbalizer:
    """Finds ordinals with an ending, and numbers with a full stop before a noun that ordinals count."""

    def __init__(self, locale: Locale, language: str | None) -> None:
        self._locale = locale
        self._language = language
        suffixes = any_of([*locale.ordinal_suffixes, *locale.feminine_suffixes])
        self._suffixed = re.compile(rf"(?<![\w.,])(\d{{1,4}})({suffixes})(?!\w)")
        self._listed = re.compile(rf"(?<!\w){any_of(locale.ordinals)}(?!\w)")
        self._before_noun = re.compile(
            rf"(?:(?<!\w)(?P<before>{any_of(locale.inflected_after)})\s)?(?<![\w.,])(?P<number>\d{{1,3}})\."
            rf"(?=\s{any_of(locale.ordinal_nouns)})",
            re.IGNORECASE,
        )

    def verbalize_listed(self, text: str) -> str:
        """Replace the ordinals that the language lists; before any other number is read."""
        return self._listed.sub(lambda found: self._locale.ordinals[found[0]], text) if self._locale.ordinals else text

    def verbalize(self, text: str) -> str:
        """Put ordinals into words."""
        if self._locale.ordinal_suffixes:
            text = self._suffixed.sub(self._with_suffix, text)
        return self._before_noun.sub(self._counting, text) if self._locale.ordinal_nouns else text

    def _with_suffix(self, found: re.Match[str]) -> str:
        words = in_words(int(found[1]), self._language, "ordinal") or found[0]
        if found[2] not in self._locale.feminine_suffixes:
            return words
        return " ".join(f"{word[:-1]}a" if word.endswith("o") else word for word in words.split())

    def _counting(self, found: re.Match[str]) -> str:
        words = in_words(int(found["number"]), self._language, "ordinal")
        if words is None:
            return found[0]
        return f"{found['before']} {words}n" if found["before"] else words
