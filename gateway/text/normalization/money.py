"""Verbalizes prices: "$5.50" becomes "5 dollars and 50 cents", "€1.5bn" becomes "1.5 billion euros"."""

import re

from gateway.text.normalization.locale import SPACED_WORD, Locale, any_of, counted

_NO_WHOLE = re.compile(r"(?<=[$€£¥])\.(?=\d)")


class MoneyVerbalizer:
    """Finds prices whose numbers are plain, without group marks."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        number = rf"\d+(?:{re.escape(locale.decimal)}\d+)?"
        spaces = "[ \u00a0\u202f]?"
        money = any_of(locale.money)
        range_word = f" ?{re.escape(locale.range)} ?" if locale.range else "(?!)"
        magnitude = f"(?:{spaces}(?P<magnitude>{any_of(locale.magnitudes)})(?!\\w))?"
        self._price_first = re.compile(
            rf"(?<!{SPACED_WORD})(?<!\d )(?P<money>{money}){spaces}(?P<from>{number}{range_word}(?:{money})?)?"
            rf"(?P<number>{number}){magnitude}(?!{SPACED_WORD}|[.,]?\d)"
        )
        self._price_last = re.compile(
            rf"(?<!{SPACED_WORD})(?<![.,])(?P<number>{number}){magnitude}{spaces}(?P<money>{money})(?!{SPACED_WORD})"
        )

    def verbalize(self, text: str) -> str:
        """Put prices into words and plain numbers."""
        if not self._locale.money:
            return text
        text = _NO_WHOLE.sub(f"0{self._locale.decimal}", text)
        return self._price_last.sub(self._price, self._price_first.sub(self._price, text))

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
