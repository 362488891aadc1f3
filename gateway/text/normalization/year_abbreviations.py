"""Expands the abbreviated word for "year" after a number: "в 1999 г.", "1941–1945 рр."."""

import re

from gateway.text.normalization.abbreviated import full_stop_kept
from gateway.text.normalization.locale import Locale, any_of

_FIRST, _LAST = 1000, 2100


class YearAbbreviations:
    """Finds years followed by the abbreviation; without its full stop the letter may be a unit."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self._year = _forms_by_preceding_word(locale.year_forms)
        self._years = _forms_by_preceding_word(locale.years_forms)
        marks = [mark for mark in (locale.year_mark, locale.years_mark) if mark]
        letter = any_of([locale.year_mark.rstrip(".")] if locale.year_mark else [])
        self._pattern = re.compile(
            r"(?:(?<!\w)(?P<before>[^\W\d_]{1,20})\s)?(?<![\w.,:/$€])(?P<number>(?:\d{4}\s?[–—-]\s?)?(?P<year>\d{4})"
            rf"(?P<ending>-[^\W\d_]{{1,2}})?)\s?(?P<mark>{any_of(marks)}|{letter})(?!\w)"
        )

    def verbalize(self, text: str) -> str:
        """Write the abbreviated words for "year" in full."""
        return self._pattern.sub(self._in_full, text) if self._locale.year_mark else text

    def _in_full(self, found: re.Match[str]) -> str:
        before, number, mark = (found["before"] or ""), found["number"], found["mark"]
        unit = not mark.endswith(".") and before.lower() not in self._locale.months
        if unit or not _FIRST <= int(found["year"]) <= _LAST:
            return found[0]
        several = mark == self._locale.years_mark or number != found["year"]
        word, forms = (self._locale.years, self._years) if several else (self._locale.year, self._year)
        said = forms.get(before.lower()) or forms.get(found["ending"] or "") or word
        return f"{before} {number} {said}{full_stop_kept(found)}".lstrip()


def _forms_by_preceding_word(forms: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: form for form, words in forms.items() for word in words}
