"""Verbalizes dates and times of day; years are verbalized in ``years``."""

import re

from gateway.text.normalization.abbreviated import full_stop_kept
from gateway.text.normalization.locale import Locale, any_of
from gateway.text.normalization.numbers import in_words
from gateway.text.normalization.years import YearVerbalizer

_ISO = r"(?<![\w./-])([12]\d{3})([-/]|\. ?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])"
_NUMERIC = r"(?<![\w./-])(?:(\d{1,2})([/-]|\. ?)(\d{1,2})\2([12]\d{3})|(\d{1,2})/(\d{1,2})/(\d{2}))"
_ENDS = r"(?![\w/-]|[.]\d)"
_DOTTED_HALF_A_DAY = re.compile(r"(?<![\w.,:])(\d{1,2})\.([0-5]\d)(?=\s?[ap]\.?\s?m\b)", re.IGNORECASE | re.ASCII)
_FULL_HOUR_OF_HALF_A_DAY = re.compile(r"(?<=\d):00(?=\s?[ap]\.?\s?m\b)", re.IGNORECASE)
_SECONDS = re.compile(r"(?<![\w:.,])((?:[01]?\d|2[0-4])):([0-5]\d):([0-5]\d)(?![\w:]|[.,]\d)", re.ASCII)
_CLOCK = re.compile(r"(?<![\w:.,])((?:[01]?\d|2[0-4])):([0-5]\d)(?![\w:]|[.,]\d)", re.ASCII)
_LOOK_BEHIND = 12


class DateVerbalizer:
    """Finds dates, years and times."""

    def __init__(self, locale: Locale, language: str | None) -> None:
        self._locale = locale
        self._language = language
        self._years = YearVerbalizer(locale, language)
        # Only the United States write the month first; other regions are named in the language code.
        region = (language or "").replace("_", "-").partition("-")[2].upper()
        self._day_first = locale.day_first or region in {"GB", "AU", "NZ", "IE", "IN", "ZA"}
        self._months = {name.lower(): month for month, name in enumerate(locale.months, 1)}
        self._months |= {name.lower(): month for month, name in enumerate(locale.short_months, 1)}
        # The template contains the word for "year": a written one must not be read twice.
        written = any_of([locale.year_mark, locale.year, *locale.year_forms] if locale.year_mark else [])
        self._iso_date = re.compile(rf"{_ISO}(?:\s?{written})?{_ENDS}", re.A)
        self._numeric_date = re.compile(rf"{_NUMERIC}(?:\s?{written})?{_ENDS}", re.A)
        # Case-sensitive: "the 3 may differ" is no date.
        names = f"(?-i:{any_of([*locale.months, *locale.short_months])})"
        before = f"(?:(?P<before>(?<!\\w){any_of(locale.inflected_after)}\\s))?"
        of = "(?:\\s(?:de|of))?"
        year = "(?:,?(?:\\s(?:de|del|of))?\\s(?P<year>[12]\\d{3})(?![\\w]|[.,]\\d))?"
        ending = f"(?:{any_of([*locale.ordinal_suffixes, '.'])})?"
        until = f"{ending}\\s{re.escape(locale.range)}\\s" if locale.range else "(?!)"
        self._named_day_first = re.compile(
            rf"{before}(?<![\w.,:/-])(?:(?P<first>[0-3]?\d){until})?(?P<day>[0-3]?\d){ending}{of}"
            rf"\s(?P<month>{names})(?!\w)\.?{year}",
            re.I | re.A,
        )
        self._named_month_first = re.compile(
            rf"(?<!\w)(?P<month>{names})\.?\s(?:(?P<first>[0-3]?\d){until})?(?P<day>[0-3]?\d){ending}"
            rf"(?!\w|[:.,/-]\d|\s?[%°]){year}",
            re.I | re.A,
        )
        self._short = re.compile(
            rf"(?P<before>(?i:(?<!\w){any_of(locale.inflected_after)})\s)(\d{{1,2}})\.(\d{{1,2}})\.(?!\d)"
        )
        self._slashed = re.compile(
            rf"(?P<before>(?<!\w)(?i:{any_of(locale.date_words)})\s)(?P<first>\d{{1,2}})/(?P<second>\d{{1,2}})(?![\w/-]|[.,]\d)",
            re.A,
        )
        hours = any_of(locale.hour_words)
        self._clock = re.compile(rf"(?<![\w:.,])([01]?\d|2[0-4]):([0-5]\d)(?![:\d])(?:\s?{hours}(?!\w))?", re.A)
        self._marked = re.compile(rf"(?<![\w:.,])([01]?\d|2[0-4])(?:\s?h\s?|\.)([0-5]\d)(?:\s?{hours})(?!\w)", re.A)
        marked = rf"(?:[01]?\d|2[0-4])\.[0-5]\d\s?{hours}"
        self._marked_range = re.compile(
            rf"(?<![\w:.,])([01]?\d|2[0-4])\.([0-5]\d)(?=\s(?:{re.escape(locale.range)})\s{marked}(?!\w))", re.A
        )
        self._hour = re.compile(r"(?<![\w:.,])([01]?\d|2[0-4])\s?h\s?([0-5]\d)(?!\w|\s?min)", re.A)

    def verbalize_numeric(self, text: str) -> str:
        """Put numeric dates into words and plain numbers."""
        if not self._locale.date:
            return text
        text = self._iso_date.sub(self._iso, text)
        text = self._numeric_date.sub(self._numeric, text)
        return self._slashed.sub(self._day_and_month, text) if self._locale.date_words else text

    def verbalize(self, text: str) -> str:
        """Put other dates, years and times into words and plain numbers."""
        if self._locale.date:
            if self._locale.inflected_after:
                text = self._short.sub(self._short_date, text)
            if self._locale.short_months:
                text = self._named_day_first.sub(self._named, text)
            if not self._locale.day_first:
                text = self._named_month_first.sub(self._named, text)
        text = self._years.verbalize(text)
        if self._locale.time:
            text = _DOTTED_HALF_A_DAY.sub(r"\1:\2", text)
            text = _FULL_HOUR_OF_HALF_A_DAY.sub("", text)
            text = self._clock.sub(lambda time: self._time(time[1], time[2]), text)
            text = self._marked_range.sub(lambda time: self._time(time[1], time[2]), text)
            text = self._marked.sub(lambda time: self._time(time[1], time[2]), text)
            if "h" in self._locale.hour_words:
                text = self._hour.sub(lambda time: self._time(time[1], time[2]), text)
        return text

    def verbalize_remaining_times(self, text: str) -> str:
        """Separate hours, minutes and seconds without words; must run last, or a number after joins the minutes."""
        text = _SECONDS.sub(r"\1 \2 \3", text)
        return text if self._locale.time else _CLOCK.sub(r"\1 \2", text)

    def _iso(self, found: re.Match[str]) -> str:
        return self._date(self._day(int(found[4]), found), int(found[3]), found[1]) + full_stop_kept(found)

    def _numeric(self, found: re.Match[str]) -> str:
        first, second = int(found[1] or found[5]), int(found[3] or found[6])
        year = found[4] or f"20{found[7]}"
        dotted = (found[2] or "").startswith(".")
        day, month = (first, second) if self._day_first or dotted else (second, first)
        if month > 12 and not dotted:
            day, month = month, day
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return found[0]
        return self._date(self._day(day, found), month, year) + full_stop_kept(found)

    def _day_and_month(self, found: re.Match[str]) -> str:
        first, second = int(found["first"]), int(found["second"])
        day, month = (first, second) if self._day_first else (second, first)
        if not (1 <= month <= 12 and 1 <= day <= 31) or f"{first}/{second}" in self._locale.fractions:
            return found[0]
        return found["before"] + self._date(self._day(day, found), month, None)

    def _short_date(self, found: re.Match[str]) -> str:
        day, month = int(found[2]), int(found[3])
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return found[0]
        return found["before"] + self._date(self._day(day, found, inflected=True), month, None)

    def _named(self, found: re.Match[str]) -> str:
        days = [int(day) for day in found.group("first", "day") if day]
        month = self._months[found["month"].lower()]
        if not all(1 <= day <= 31 for day in days):
            return found[0]
        before = found.groupdict().get("before") or ""
        said = [self._day(day, found, inflected=bool(before)) for day in days]
        return before + self._date(f" {self._locale.range} ".join(said), month, found["year"])

    def _day(self, day: int, found: re.Match[str], *, inflected: bool = False) -> str:
        """The day of the month; the ending of an inflected ordinal depends on the word before ``found``."""
        if day == 1 and self._locale.first_day:
            return self._locale.first_day
        said = in_words(day, self._language, "ordinal") if self._locale.day_is_ordinal else None
        if said is None:
            return str(day)
        words = found.string[max(0, found.start() - _LOOK_BEHIND) : found.start()].lower().split()[-1:]
        before = words[0] if words else ""
        if inflected or before in self._locale.inflected_after:
            return f"{said}n"
        return said if before in self._locale.articles else f"{said}{self._locale.ending_without_article}"

    def _date(self, day: str, month: int, year: str | None) -> str:
        name = self._locale.months[month - 1]
        if year is None:
            return self._locale.date_without_year.format(day=day, month=name)
        return self._locale.date.format(day=day, month=name, year=self._years.in_words(year))

    def _time(self, hour: str, minute: str) -> str:
        written = str(int(hour))
        said = self._locale.hours.get(written, written)
        one = int(hour) == 1 or (int(hour) == 0 and self._locale.plural == "french")
        if minute == "00":
            late = not 0 < int(hour) <= 12 and self._locale.late_full_hour
            full = (self._locale.full_hour_of_one if one else "") or self._locale.full_hour
            return (late or full).format(hour=said)
        early = self._locale.early_time if minute < "10" and self._locale.early_time else self._locale.time
        template = self._locale.time_of_one if one and self._locale.time_of_one else early
        return template.format(hour=said, minute=int(minute))
