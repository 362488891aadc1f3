"""Verbalizes ranges: "3–5 km" becomes "3 to 5 km", "Mo.–Fr." becomes "Montag bis Freitag"."""

import re

from gateway.text.normalization.abbreviated import full_stop_kept
from gateway.text.normalization.locale import Locale, any_of

_TIMES = re.compile(
    r"(?<=\d[:.,h]\d\d)[–—~-](?=\d{1,2}[:.,h]\d\d)|(?<=[\d%°C€$] )[–—~](?= \d)|(?<=\d\.)–(?=\d)"
    r"|(?<=\d[:.h]\d\d) [–—~-] (?=\d{1,2}[:.h]\d\d)|(?<=\d h \d\d) [–—~-] (?=\d{1,2} h \d\d)"
)
_PRICES = re.compile(r"(?<=\d)[–—~-](?=[$€£¥₹₩]\d)|(?<=\d) [–—~-] (?=[$€£¥₹₩]\d)|(?<=[%€])[–—~-](?=\d)")
_PERCENTAGES = re.compile(r"(?<=\d%) [–—~-] (?=\d)|(?<=\d %) [–—~-] (?=\d)")
_ENDINGS = re.compile(
    r"(?:(?<=\d[ap]m)|(?<= [ap]m)|(?<=[ap]\.m\.))\s?[–—~-]\s?(?=\d)|(?<=\d(?:st|nd|rd|th))[–—~-](?=\d)", re.IGNORECASE
)
_TILDE = re.compile(r"(?<=\d)\s?~\s?(?=\d)")
_LABELS = re.compile(r"(?<![\w–-])(?P<letter>[A-Z])(?P<from>\d{0,3})–(?P<same>[A-Z])(?P<to>\d{0,3})(?![\w–-])")
_LONGEST_HYPHENATED = 4
"""Digits of a number in a range that is written with a hyphen; longer ones are telephone numbers and codes."""


class RangeVerbalizer:
    """Finds ranges of numbers, measures, times and days; numbers that do not rise are a score, code or subtraction."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        space = " " if locale.spaced else ""
        self._word = f"{space}{locale.range}{space}"
        names = any_of([*locale.days, *locale.short_days, *locale.months, *locale.short_months])
        between = rf"(?:\s?[–—~-]\s?|\s{re.escape(locale.range)}\s)"
        self._named = re.compile(rf"(?<![\w–-])({names})\.?{between}({names})(?:\.(?!\w))?(?![\w–-])")
        self._days = dict(zip(locale.short_days, locale.days, strict=True))
        months = dict(zip(locale.short_months, locale.months, strict=bool(locale.short_months)))
        self._names = self._days | months
        short_days = any_of(locale.short_days)
        self._day = re.compile(rf"(?<!\w)({short_days})\.(?=,? ?(?:\d|(?:{short_days})(?!\w)))")
        groups, point = f"[{re.escape(locale.groups.strip())}\u00a0\u202f]", re.escape(locale.decimal)
        number = rf"(?:\d{{1,3}}(?:{groups}\d{{3}}){{1,5}}|\d{{1,15}})(?:{point}\d{{1,9}})?"
        unit = any_of([*locale.units, *locale.magnitudes, *locale.money])
        self._numbers = re.compile(
            rf"(?<![\w.,:/+–-])(?P<minus>[-−]?)(?P<from>{number})(?P<dash>[–—~]|[ ][–—~-][ ]|-)(?P<to>[-−]?{number})"
            rf"(?=[ \u00a0\u202f]?(?P<unit>{unit})(?!\w)|(?![\w:/–—~-]|[.,]\d|\s?=))",
            re.ASCII,
        )
        self._measures = re.compile(
            rf"(?<![\w.,])(?P<from>{number}[ \u00a0\u202f]?(?P<unit>{any_of(locale.units)}))\s?[–—~-]\s?"
            rf"(?={number}[ \u00a0\u202f]?(?P=unit)(?!\w))"
        )

    def verbalize_names(self, text: str) -> str:
        """Write ranges of days, months and labels, and days before a number, in full; before abbreviations."""
        if self._locale.range and "–" in text:
            text = _LABELS.sub(self._labels, text)
        if not self._names:
            return text
        text = self._named.sub(
            lambda found: (
                self._word.join(self._names.get(name, name) for name in found.groups()) + full_stop_kept(found)
            ),
            text,
        )
        return self._day.sub(lambda found: self._days[found[1]], text)

    def verbalize(self, text: str) -> str:
        """Write ranges of numbers with the language's word between them."""
        if not any(dash in text for dash in "-–—~"):
            return text
        if not self._locale.range:
            return _TILDE.sub("–", text)
        text = self._measures.sub(lambda found: found["from"] + self._word, text)
        text = self._numbers.sub(self._rising, text)
        for pattern in (_TIMES, _PRICES, _PERCENTAGES, _ENDINGS):
            text = pattern.sub(self._word, text)
        return re.sub(" {2,}", " ", text)

    def _rising(self, found: re.Match[str]) -> str:
        first, dash, last = found["minus"] + found["from"], found["dash"], found["to"]
        hyphen = "-" in dash
        if (
            hyphen
            and not found["unit"]
            and (
                found["minus"]
                or last[0] in "-−"
                or max(map(len, re.findall(r"\d+", first + dash + last))) > _LONGEST_HYPHENATED
            )
        ):
            return found[0]
        if dash == " - " and not found["unit"]:
            return found[0]
        return f"{first}{self._word}{last}" if self._value(first) < self._value(last) else found[0]

    def _value(self, number: str) -> float:
        whole, _, part = number.partition(self._locale.decimal)
        sign = -1 if number[0] in "-−" else 1
        return sign * float(f"{re.sub('[^0-9]', '', whole)}.{part}")

    def _labels(self, found: re.Match[str]) -> str:
        """ "A–Z" and "Q1–Q3"; other letters beside a dash are a name."""
        numbered = bool(found["from"]) and bool(found["to"]) and found["letter"] == found["same"]
        lettered = not found["from"] and not found["to"] and found["letter"] < found["same"]
        if not (numbered or lettered):
            return found[0]
        return f"{found['letter']}{found['from']}{self._word}{found['same']}{found['to']}"
