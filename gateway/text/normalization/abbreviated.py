"""Expands abbreviated writing: abbreviations, dates, times, money, measures, ordinals, telephone numbers, versions."""

import re

from gateway.text.normalization.dates import DateVerbalizer
from gateway.text.normalization.locale import Locale, any_of
from gateway.text.normalization.numbers import NumberVerbalizer, in_words
from gateway.text.normalization.quantities import QuantityVerbalizer
from gateway.text.normalization.year_abbreviations import YearAbbreviations

# International form, national form with a leading zero, the two forms of North America.
_PHONE = re.compile(
    r"(?<![\w.,:/+-])(?:\+\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){2,8}|0\d{1,5}(?:[ /-]\d{2,8}){1,5}"
    r"|\(0\d{1,5}\)[ ]?\d{2,8}(?:[ -]\d{1,8}){0,4}"
    r"|(?:1[ -])?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[.-]\d{4}|\d{3}-\d{4})(?![\w/-]|[.,:]\d)",
    re.ASCII,
)
_SHORTEST_PHONE = 6
# One number, written with spaces: "1 000 000".
_SPACED_NUMBER = re.compile(r"(?<![\w.,:/+-])(\d{1,3}(?: \d{3}){2,5}|\d{1,3} 000)(?![\w-]|[.,:]\d| \d)", re.ASCII)
_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}", re.ASCII)
_CLOCK = re.compile(r"(?<![\w:.,])((?:[01]?\d|2[0-4])):([0-5]\d)(?![\w:]|[.,]\d)", re.ASCII)
_VERSION = re.compile(r"(?<![\d.])\d{1,6}(?:\.\d{1,6}){2,8}(?![\w.]*\w)", re.ASCII)


class AbbreviatedForms:
    """Expands the abbreviated writing of one language; numbers stay plain digits."""

    def __init__(self, locale: Locale, language: str | None, numbers: NumberVerbalizer) -> None:
        self._locale = locale
        self._language = language
        self._numbers = numbers
        self._dates = DateVerbalizer(locale, language)
        self._year_abbreviations = YearAbbreviations(locale)
        self._quantities = QuantityVerbalizer(locale)
        self._short = locale.abbreviations | {
            _capitalised(written): _capitalised(said)
            for written, said in locale.abbreviations.items()
            if written[0].islower()
        }
        self._before_name = re.compile(
            rf"(?P<before>(?<!\w)[^\W\d_]+ )?(?<!\w)(?P<short>{any_of(locale.before_names)}) ?(?=[^\W\d_])"
        )
        numbers_follow = any_of([*locale.units, *locale.money, *locale.magnitudes])
        # Where the decimal mark is a comma, a full stop between two numbers after a name is a version: "Python 3.12".
        self._named_version = re.compile(
            rf"(?P<name>(?<![\w.])(?:[vV]|[^\W\d_][\w-]{{0,30}}[ -]))(?P<major>\d{{1,4}})\.(?P<minor>\d{{1,3}})"
            rf"(?!\d|[.,]\d|[ \u00a0\u202f]?(?:{numbers_follow}|%))"
        )
        self._abbreviation = re.compile(rf"(?<![\w.]){any_of(self._short)}(?!\w)")
        self._numbered = re.compile(rf"(?<!\w)({any_of(locale.numbered)})\s?(?=\d)")
        suffixes = any_of([*locale.ordinal_suffixes, *locale.feminine_suffixes])
        self._ordinal = re.compile(rf"(?<![\w.,])(\d{{1,4}})({suffixes})(?!\w)")
        self._listed_ordinal = re.compile(rf"(?<!\w){any_of(locale.ordinals)}(?!\w)")
        self._noun_ordinal = re.compile(
            rf"(?:(?<!\w)(?P<before>{any_of(locale.inflected_after)})\s)?(?<![\w.,])(?P<number>\d{{1,3}})\."
            rf"(?=\s{any_of(locale.ordinal_nouns)})",
            re.IGNORECASE,
        )

    def verbalize(self, text: str) -> str:
        """Put everything that is written in short form into words and plain numbers."""
        if self._locale.before_names:
            text = self._before_name.sub(self._before_a_name, text)
        if self._locale.abbreviations:
            text = self._abbreviation.sub(self._unabbreviated, text)
        if self._locale.numbered:
            text = self._numbered.sub(lambda found: f"{self._locale.numbered[found[1]]} ", text)
        if self._locale.ordinals:
            text = self._listed_ordinal.sub(lambda found: self._locale.ordinals[found[0]], text)
        if not any(map(str.isdigit, text)):
            return self._quantities.verbalize(self._quantities.verbalize_ranges(text))
        text = _SPACED_NUMBER.sub(lambda found: found[0].replace(" ", ""), text)
        text = self._year_abbreviations.verbalize(self._dates.numeric(text))
        text = _PHONE.sub(self._phone, text)
        text = self._dates.verbalize(self._quantities.verbalize_ranges(text))
        dot = self._locale.address.get(".")
        if dot and self._locale.decimal == ",":
            text = self._named_version.sub(self._version_in_words, text)
        text = self._numbers.plain(text)
        if dot:
            text = _VERSION.sub(lambda found: self._version(found[0]), text)
        text = self._ordinals(self._quantities.verbalize(text))
        # Last, because a number after the minutes would look like their thousands.
        return text if self._locale.time else _CLOCK.sub(r"\1 \2", text)

    def _version(self, written: str) -> str:
        """A date in a language without rules for dates is read as three numbers, not as a version."""
        return written.replace(".", " " if _DATE.fullmatch(written) else f" {self._locale.address['.']} ")

    def _unabbreviated(self, found: re.Match[str]) -> str:
        """The full word; a full stop that also ended the sentence is kept."""
        said = self._short[found[0]]
        rest = found.string[found.end() : found.end() + 2]
        return f"{said}." if found[0].endswith(".") and not rest.strip() and len(rest) < 2 else said

    def _before_a_name(self, found: re.Match[str]) -> str:
        """The title of a saint, unless a capitalised word before it makes it a street: "on Main St. Then"."""
        before = found["before"] or ""
        of_a_street = before[:1].isupper() and found.start() > 0
        if of_a_street or not found.string[found.end()].isupper():
            return found[0]
        return f"{before}{self._locale.before_names[found['short']]} "

    def _version_in_words(self, found: re.Match[str]) -> str:
        name = found["name"]
        if name[0].islower() and name != "v":
            return found[0]
        return f"{name}{found['major']} {self._locale.address['.']} {found['minor']}"

    def _phone(self, found: re.Match[str]) -> str:
        """Digit by digit, with a comma between the groups."""
        numbers = re.findall(r"\d+", found[0])
        if len("".join(numbers)) < _SHORTEST_PHONE:
            return found[0]
        pairs = self._locale.phone_pairs
        groups = (group if pairs and len(group) == 2 and group[0] != "0" else " ".join(group) for group in numbers)
        plus = f"{self._locale.symbols['+']} " if found[0][0] == "+" and "+" in self._locale.symbols else ""
        return plus + ", ".join(groups)

    def _ordinals(self, text: str) -> str:
        if self._locale.ordinal_suffixes:
            text = self._ordinal.sub(self._ordinal_in_words, text)
        if self._locale.ordinal_nouns:
            text = self._noun_ordinal.sub(self._ordinal_before_noun, text)
        return text

    def _ordinal_in_words(self, found: re.Match[str]) -> str:
        words = in_words(int(found[1]), self._language, "ordinal") or found[0]
        if found[2] not in self._locale.feminine_suffixes:
            return words
        return " ".join(f"{word[:-1]}a" if word.endswith("o") else word for word in words.split())

    def _ordinal_before_noun(self, found: re.Match[str]) -> str:
        words = in_words(int(found["number"]), self._language, "ordinal")
        if words is None:
            return found[0]
        return f"{found['before']} {words}n" if found["before"] else words


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]
