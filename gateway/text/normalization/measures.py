"""Verbalizes money, measures, ranges, fractions and mathematical signs."""

import re

from gateway.text.normalization.locale import SPACED_WORD, Locale, any_of, counted

_HYPHENATED = re.compile(r"(?<![\w.,:/+-])(\d{1,4})-(\d{1,4})(?![\w:/-]|[.,]\d)", re.ASCII)
_DASHED = re.compile(r"(?<![\w.,:/-])(\d{1,6})[–—](\d{1,6})(?![\w:/–—-]|[.,]\d)", re.ASCII)
_DASHED_TIMES = re.compile(r"(?<=\d[:.,h]\d\d)[–—-](?=\d{1,2}[:.,h]\d\d)|(?<=[\d%°C€$] )[–—](?= \d)|(?<=\d\.)–(?=\d)")
_DASHED_PRICES = re.compile(r"(?<=\d)[–—-](?=[$€£¥]\d)|(?<=[%€])[–—-](?=\d)|(?<=\d[.,]\d)[–—](?=\d)")
_DASHED_ENDINGS = re.compile(
    r"(?:(?<=\d[ap]m)|(?<= [ap]m)|(?<=[ap]\.m\.))\s?[–—-]\s?(?=\d)|(?<=\d(?:st|nd|rd|th))[–—-](?=\d)", re.IGNORECASE
)
_MINUS = re.compile(r"(?<![\w)\]}.,%°−–-])[-−](?=\d)")
_SUBTRACTION = re.compile(r"(?<=\d) [-–−] (?=\d[\d.,]* ?=)|(?<=\d) − (?=\d)")
_TIMES = re.compile(r"(?<=\d)\s?\*\s?(?=\d)")
# Between words without spaces, only signs that cannot be markup, an address or code.
_TIGHT_SIGN = re.compile(r"(?<=[\w)²³])[×÷≠≈≤≥±→](?=[\w(])|(?<=[^\W_])=(?=[^\W_])")
_RATIO = re.compile(r"(?<![\w.,:/-])(\d{1,3}):(\d{1,3})(?![\w:/-]|[.,]\d)", re.ASCII)
_FEET_AND_INCHES = re.compile(r"(?<![\w.,])(\d)(?:['′’] ?|\s?ft\s)(\d{1,2})(?:[\"″”]|\s?in(?!\w)|''|(?!\w))", re.ASCII)
_SIMPLE_FRACTION = re.compile(r"(?<![\w/.,])(\d/\d{1,2})(?![\w/]|[.,]\d)", re.ASCII)
_FRACTION_SIGN = re.compile(r"(\d?)\s?([½⅓⅔¼¾⅛])")
_SIGN_NAMES = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅛": "1/8"}


class QuantityVerbalizer:
    """Finds quantities in text whose numbers are plain, without group marks."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        number = rf"\d+(?:{re.escape(locale.decimal)}\d+)?"
        spaces = "[ \u00a0\u202f]?"
        money, magnitude = any_of(locale.money), any_of(locale.magnitudes)
        range_word = f" {re.escape(locale.range)} " if locale.range else "(?!)"
        magnitude = f"(?:{spaces}(?P<magnitude>{magnitude})(?!\\w))?"
        self._price_first = re.compile(
            rf"(?<!{SPACED_WORD})(?<!\d )(?P<money>{money}){spaces}(?P<from>{number}{range_word}(?:{money})?)?"
            rf"(?P<number>{number}){magnitude}(?!{SPACED_WORD}|[.,]?\d)"
        )
        self._price_last = re.compile(
            rf"(?<!{SPACED_WORD})(?<![.,])(?P<number>{number}){magnitude}{spaces}(?P<money>{money})(?!{SPACED_WORD})"
        )
        self._measure = re.compile(
            rf"(?<!{SPACED_WORD})(?<![.,])(?P<number>{number})(?:{spaces}|-)(?P<unit>{any_of(locale.units)})"
            rf"(?!{SPACED_WORD}|[²³]|/[^\W\d])"
        )
        names = any_of([*locale.days, *locale.short_days, *locale.months, *locale.short_months])
        self._named_range = re.compile(rf"(?<![\w–-])({names})\.?\s?[–—-]\s?({names})(?![\w–-])")
        self._names = dict(zip(locale.short_days, locale.days, strict=True)) | dict(
            zip(locale.short_months, locale.months, strict=bool(locale.short_months))
        )
        self._symbol = re.compile(rf"(?<![^\s\d)])(?:{any_of(locale.symbols)})(?![^\s\d(])")

    def verbalize_ranges(self, text: str) -> str:
        """Write ranges as words: "3–5" becomes "3 to 5". Falling numbers are a score, a code or a subtraction."""
        if not self._locale.range or not any(dash in text for dash in "-–—"):
            return text
        word = f" {self._locale.range} "
        for pattern in (_HYPHENATED, _DASHED):
            text = pattern.sub(
                lambda found: f"{found[1]}{word}{found[2]}" if int(found[1]) < int(found[2]) else found[0], text
            )
        text = self._named_range.sub(
            lambda found: word.join(self._names.get(name, name) for name in found.groups()), text
        )
        for pattern in (_DASHED_TIMES, _DASHED_PRICES, _DASHED_ENDINGS):
            text = pattern.sub(word, text)
        return re.sub(" +", " ", text)

    def verbalize(self, text: str) -> str:
        """Put quantities into words and plain numbers."""
        if self._locale.feet_and_inches:
            text = _FEET_AND_INCHES.sub(lambda found: self._locale.feet_and_inches.format(*found.groups()), text)
        if self._locale.ratio:
            text = _RATIO.sub(rf"\1 {self._locale.ratio} \2", text)
        if self._locale.minus:
            text = _MINUS.sub(f"{self._locale.minus} ", text)
        if self._locale.money:
            text = self._price_last.sub(self._price, self._price_first.sub(self._price, text))
        if self._locale.units:
            text = self._measure.sub(self._measured, text)
        if self._locale.fractions:
            text = _SIMPLE_FRACTION.sub(lambda found: self._locale.fractions.get(found[1], found[0]), text)
            text = _FRACTION_SIGN.sub(self._fraction, text)
        if self._locale.symbols:
            text = _SUBTRACTION.sub(f" {self._locale.minus} ", text)
            text = _TIMES.sub(f" {self._locale.symbols['×']} ", text)
            text = _TIGHT_SIGN.sub(lambda found: f" {self._locale.symbols[found[0]]} ", text)
        return self._symbol.sub(lambda found: f" {self._locale.symbols[found[0]]} ", text)

    def _measured(self, found: re.Match[str]) -> str:
        """A full stop of the unit that also ended the sentence is kept: "at 5 p.m. Then"."""
        said = counted(found["number"], self._locale.units[found["unit"]], self._locale)
        rest = found.string[found.end() : found.end() + 8].strip()
        return f"{said}." if found[0].endswith(".") and (not rest or rest[0].isupper()) else said

    def _fraction(self, found: re.Match[str]) -> str:
        words = self._locale.fractions.get(_SIGN_NAMES[found[2]])
        if not words:
            return found[0]
        if found[1] and found[2] == "½" and self._locale.and_a_half:
            return self._locale.and_a_half.format(found[1])
        return f"{found[1]} {self._locale.mixed} {words}" if found[1] else words

    def _price(self, found: re.Match[str]) -> str:
        forms = self._locale.money[found["money"]]
        start = found.groupdict().get("from") or ""
        for sign in self._locale.money:
            start = start.replace(sign, "")
        return start + self._amount(found, forms)

    def _amount(self, found: re.Match[str], forms: str) -> str:
        number, magnitude = found["number"], found["magnitude"]
        if magnitude:
            many = counted(number, self._locale.magnitudes[magnitude], self._locale)
            phrase = f"{many} {forms.rpartition('|')[2]}"
            for written, said in self._locale.contractions.items():
                phrase = phrase.replace(written, said)
            return phrase
        whole, _, part = number.partition(self._locale.decimal)
        cents = self._locale.cents.get(found["money"])
        if len(part) != 2 or not cents:
            return counted(number, forms, self._locale)
        if part == "00":
            return counted(whole, forms, self._locale)
        small = counted(part.lstrip("0"), cents, self._locale)
        if whole == "0":
            return small
        return self._locale.price.format(money=counted(whole, forms, self._locale), cents=small, part=part.lstrip("0"))
