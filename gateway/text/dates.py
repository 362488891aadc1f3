"""Say dates, years and times of day as people do in the answer's language."""

import re

from gateway.text.locale import Locale, any_of
from gateway.text.numbers import in_words

_ISO = re.compile(r"(?<![\w-])([12]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?![\w-])", re.ASCII)
_NUMERIC = re.compile(
    r"(?<![\w./-])(?:(\d{1,2})([./-])(\d{1,2})\2([12]\d{3})|(\d{1,2})/(\d{1,2})/(\d{2}))(?![\w/-]|[.]\d)", re.ASCII
)


class Dates:
    """Finds dates, years and times in a text."""

    def __init__(self, locale: Locale, language: str | None) -> None:
        self._locale = locale
        self._language = language
        # English is written month first in the United States only; its other regions say which they are.
        region = (language or "").replace("_", "-").partition("-")[2].upper()
        self._day_first = locale.day_first or region in {"GB", "AU", "NZ", "IE", "IN", "ZA"}
        self._months = {name.lower(): month for month, name in enumerate(locale.months, 1)}
        self._months |= {name.lower().rstrip("."): month for month, name in enumerate(locale.short_months, 1)}
        # In the case they are written in: "the 3 may differ" is no date.
        names = f"(?-i:{any_of([*locale.months, *locale.short_months])})"
        before = f"(?:(?P<before>(?<!\\w){any_of(locale.inflected_after)}\\s))?"
        of = "(?:\\s(?:de|of))?"
        year = "(?:,?(?:\\s(?:de|del|of))?\\s(?P<year>[12]\\d{3})(?![\\w]|[.,]\\d))?"
        ending = f"(?:{any_of([*locale.ordinal_suffixes, '.'])})?"
        self._named_day_first = re.compile(
            rf"{before}(?<![\w.,:/-])(?P<day>[0-3]?\d){ending}{of}\s(?P<month>{names})(?!\w)\.?{year}", re.I | re.A
        )
        self._named_month_first = re.compile(
            rf"(?<!\w)(?P<month>{names})\.?\s(?P<day>[0-3]?\d){ending}(?!\w|[:.,/-]\d|\s?[%°]){year}", re.I | re.A
        )
        self._short = re.compile(
            rf"(?P<before>(?<!\w){any_of(locale.inflected_after)}\s)(\d{{1,2}})\.(\d{{1,2}})\.(?!\d)"
        )
        self._year = re.compile(
            rf"(?<!\w)({any_of([*locale.years_after, *locale.months])}\s)(1[1-9]\d\d|20\d\d)"
            r"(?!\w|[.,:/-]\d|\s?[%°€$])",
            re.IGNORECASE,
        )
        self._years = re.compile(
            rf"(?<![\w.,:/-])(1[1-9]\d\d|20\d\d)(\s{locale.range}\s)(1[1-9]\d\d|20\d\d)(?![\w]|[.,:/-]\d|\s?[%°€$])"
        )
        hours = any_of(locale.hour_words)
        self._clock = re.compile(rf"(?<![\w:.,])([01]?\d|2[0-4]):([0-5]\d)(?![:\d])(?:\s?{hours}(?!\w))?", re.A)
        self._marked = re.compile(rf"(?<![\w:.,])([01]?\d|2[0-4])(?:\s?h\s?|\.)([0-5]\d)(?:\s?{hours})(?!\w)", re.A)
        self._hour = re.compile(r"(?<![\w:.,])([01]?\d|2[0-4])\s?h\s?([0-5]\d)?(?!\w)", re.A)

    def numeric(self, text: str) -> str:
        """The text with its dates that are digits only in words and plain numbers."""
        if not self._locale.date:
            return text
        text = _ISO.sub(self._iso, text)
        return _NUMERIC.sub(self._numeric, text)

    def said(self, text: str) -> str:
        """The text with its other dates, its years and times in words and plain numbers."""
        if self._locale.date:
            if self._locale.inflected_after:
                text = self._short.sub(self._short_date, text)
            text = self._named_day_first.sub(self._named, text)
            if not self._locale.day_first:
                text = self._named_month_first.sub(self._named, text)
        if self._locale.years_after:
            text = self._years.sub(
                lambda years: self._year_in_words(years[1]) + years[2] + self._year_in_words(years[3]), text
            )
            text = self._year.sub(lambda year: year[1] + self._year_in_words(year[2]), text)
        if self._locale.time:
            text = self._clock.sub(lambda time: self._time(time[1], time[2]), text)
            text = self._marked.sub(lambda time: self._time(time[1], time[2]), text)
            if "h" in self._locale.hour_words:
                text = self._hour.sub(lambda time: self._time(time[1], time[2] or "00"), text)
        return text

    def _iso(self, found: re.Match[str]) -> str:
        return self._date(int(found[3]), int(found[2]), found[1], inflected=self._follows_inflecting(found))

    def _numeric(self, found: re.Match[str]) -> str:
        first, second = int(found[1] or found[5]), int(found[3] or found[6])
        year = found[4] or f"20{found[7]}"
        day, month = (first, second) if self._day_first or found[2] == "." else (second, first)
        if month > 12 and found[2] != ".":
            day, month = month, day
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return found[0]
        return self._date(day, month, year, inflected=self._follows_inflecting(found))

    def _short_date(self, found: re.Match[str]) -> str:
        day, month = int(found[2]), int(found[3])
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return found[0]
        return found["before"] + self._date(day, month, None, inflected=True)

    def _named(self, found: re.Match[str]) -> str:
        day, month = int(found["day"]), self._months[found["month"].lower()]
        if not 1 <= day <= 31:
            return found[0]
        before = found.groupdict().get("before") or ""
        return before + self._date(day, month, found["year"], inflected=bool(before) or self._follows_inflecting(found))

    def _follows_inflecting(self, found: re.Match[str]) -> bool:
        words = found.string[max(0, found.start() - 12) : found.start()].split()
        return bool(words) and words[-1].lower() in self._locale.inflected_after

    def _date(self, day: int, month: int, year: str | None, *, inflected: bool = False) -> str:
        said = str(day)
        if day == 1 and self._locale.first_day:
            said = self._locale.first_day
        elif self._locale.day_is_ordinal:
            said = in_words(day, self._language, "ordinal") or said
            said += "n" if inflected else ""
        name = self._locale.months[month - 1]
        if year is None:
            return self._locale.date_without_year.format(day=said, month=name)
        return self._locale.date.format(day=said, month=name, year=self._year_in_words(year))

    def _year_in_words(self, year: str) -> str:
        """In words where a year is not said as a number ("nineteen ninety"), else as it is."""
        return (in_words(int(year), self._language, "year") if self._locale.years_after else None) or year

    def _time(self, hour: str, minute: str) -> str:
        one = int(hour) == 1 and self._locale.one_hour
        named = self._locale.one_hour if one else str(int(hour))
        if minute == "00":
            full = self._locale.full_hour_of_one if one else self._locale.full_hour
            return full.format(hour=named)
        early = self._locale.early_time if minute < "10" and self._locale.early_time else self._locale.time
        template = self._locale.time_of_one if one and self._locale.time_of_one else early
        return template.format(hour=named, minute=int(minute))
