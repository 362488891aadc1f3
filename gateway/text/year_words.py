"""Say the word for year that some languages write as a letter behind the number: "в 1999 г.", "1941–1945 рр."."""

import re

from gateway.text.locale import Locale, any_of

_FIRST, _LAST = 1000, 2100


class YearWords:
    """Finds years with a shortened word behind them; without its full stop the letter may be a unit."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self._year = _said_behind(locale.year_forms)
        self._years = _said_behind(locale.years_forms)
        marks = [mark for mark in (locale.year_mark, locale.years_mark) if mark]
        letter = any_of([locale.year_mark.rstrip(".")] if locale.year_mark else [])
        self._pattern = re.compile(
            r"(?:(?<!\w)(?P<before>[^\W\d_]{1,20})\s)?(?<![\w.,:/$€])(?P<number>(?:\d{4}\s?[–—-]\s?)?(?P<year>\d{4})"
            rf"(?P<ending>-[^\W\d_]{{1,2}})?)\s?(?P<mark>{any_of(marks)}|{letter})(?!\w)"
        )

    def said(self, text: str) -> str:
        """The text with its years' shortened words in full."""
        return self._pattern.sub(self._in_full, text) if self._locale.year_mark else text

    def _in_full(self, found: re.Match[str]) -> str:
        before, number, mark = (found["before"] or ""), found["number"], found["mark"]
        unit = not mark.endswith(".") and before.lower() not in self._locale.months
        if unit or not _FIRST <= int(found["year"]) <= _LAST:
            return found[0]
        several = mark == self._locale.years_mark or number != found["year"]
        word, forms = (self._locale.years, self._years) if several else (self._locale.year, self._year)
        said = forms.get(before.lower()) or forms.get(found["ending"] or "") or word
        return f"{before} {number} {said}{stop_kept(found)}".lstrip()


def stop_kept(found: re.Match[str]) -> str:
    """The full stop of an abbreviation that also ended the sentence: a full stop if that is all that comes."""
    return "." if found[0].endswith(".") and not found.string[found.end() :].strip() else ""


def _said_behind(forms: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: form for form, words in forms.items() for word in words}
