"""The rules of one language for numbers, dates, money and units; the data is in ``locales/*.toml``."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Literal, assert_never

import msgspec

Terms = dict[str, str]
Plural = Literal["two", "french", "russian", "polish", "czech", "romanian", "arabic"]
"""Which numbers take which plural form (CLDR's plural rules).

``two``: one form for 1, one for all others. ``french``: the first form for numbers less than 2. ``czech``, ``polish``,
``russian``: a form for 2 to 4, in Polish and Russian also for numbers ending so; in Russian the first form also for
numbers ending in 1; the last form is for decimals. ``romanian``: a form for numbers up to 19. ``arabic``: forms for 2,
for 3 to 10, and for more.
"""


class Locale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of one language; a field that is not set means that nothing is rewritten.

    A counted term lists its plural forms separated by ``|``: a single form if the language has no plural; the whole
    phrase for one thing and the form for several (``ein Euro|Euro``); in Slavic languages with a form for few things in
    between, and with the rule ``russian`` the first form without the number. ``{}`` marks the place of the number if it
    does not come first.

    ``spaced``: whether a space is written between number and thing. ``hundreds``: whether 1984 is read as a year,
    "nineteen eighty-four": always, or unless a capitalised word (in German a counted noun) follows. ``decade`` is the
    ending of a decade's word. ``hours``: hours whose word differs from the number's. ``late_full_hour`` is used after
    noon. ``before_names``: abbreviations with another meaning before a name. ``ending_without_article``: the ending of
    an ordinal day that follows neither ``articles`` nor ``inflected_after``. ``phone_pairs``: two digits of a telephone
    number are read as one number.

    ``fractions``: words for a fraction as it is written ("3/4"). ``denominators``: counted terms by denominator, for
    all other fractions. ``rates``: the phrase for what follows the slash in "$5/month"; ``per`` is the template for
    all other words. ``date_words``: words after which "3/10" is a date.

    Without ``short_months`` only numeric dates are rewritten. ``year_mark`` and ``years_mark`` abbreviate "year" and
    "years" after their number; they are read as ``year`` and ``years``, or as the key of ``year_forms`` and
    ``years_forms`` whose list contains the word before the number.
    """

    plural: Plural = "two"
    decimal: str = "."
    groups: str = ","
    point: str = ""
    spaced: bool = True
    hundreds: Literal["never", "uncounted", "always"] = "never"
    decade: str = ""
    fraction: Literal["digits", "number"] = "digits"
    minus: str = ""
    range: str = ""
    ratio: str = ""
    per: str = ""
    rates: Terms = {}
    code: str = ""
    formula: str = ""
    address: Terms = {}
    units: Terms = {}
    money: Terms = {}
    cents: Terms = {}
    price: str = ""
    magnitudes: Terms = {}
    contractions: Terms = {}
    symbols: Terms = {}
    fractions: Terms = {}
    denominators: Terms = {}
    mixed: str = ""
    and_a_half: str = ""
    feet_and_inches: str = ""
    abbreviations: Terms = {}
    before_names: Terms = {}
    numbered: Terms = {}
    mathematics: Terms = {}
    months: tuple[str, ...] = ()
    short_months: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    short_days: tuple[str, ...] = ()
    day_first: bool = True
    day_is_ordinal: bool = False
    year_mark: str = ""
    years_mark: str = ""
    year: str = ""
    years: str = ""
    year_forms: dict[str, tuple[str, ...]] = {}
    years_forms: dict[str, tuple[str, ...]] = {}
    date: str = ""
    date_words: tuple[str, ...] = ()
    date_without_year: str = ""
    first_day: str = ""
    time: str = ""
    early_time: str = ""
    full_hour: str = ""
    late_full_hour: str = ""
    hours: Terms = {}
    time_of_one: str = ""
    full_hour_of_one: str = ""
    phone_pairs: bool = False
    hour_words: tuple[str, ...] = ()
    ordinal_suffixes: tuple[str, ...] = ()
    feminine_suffixes: tuple[str, ...] = ()
    ordinals: Terms = {}
    ordinal_nouns: tuple[str, ...] = ()
    inflected_after: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    ending_without_article: str = ""


SPACED_WORD = "[^\\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
"""A letter or digit of a script with spaces; in other scripts, and in Korean, a word needs no boundary."""

_HEBREW_ONE = re.compile(" (?:אחד|אחת)")
_NORWEGIAN = {"nb": "no", "nn": "no"}
_NOWHERE = Locale()


@cache
def locale_of(language: str | None) -> Locale:
    """The rules for a language code ("pt-BR" is "pt"); an empty ``Locale`` if there are none."""
    primary = primary_of(language)
    if not re.fullmatch("[a-z]{2,3}", primary):
        return _NOWHERE
    file = resources.files("gateway.text.normalization") / "locales" / f"{primary}.toml"
    if not file.is_file():
        return _NOWHERE
    return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Locale)


def primary_of(language: str | None) -> str:
    """The primary subtag of a language code in lower case; "no" for both forms of Norwegian; "" for ``None``."""
    primary = (language or "").lower().replace("_", "-").partition("-")[0]
    return _NORWEGIAN.get(primary, primary)


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of the literal words, longest first; for no words a pattern that never matches."""
    listed = sorted(words, key=len, reverse=True)
    return "(?:" + "|".join(map(re.escape, listed)) + ")" if listed else "(?!)"


def noun_of(forms: str, locale: Locale, *, several: bool) -> str:
    """The noun of a counted term without a number: the plural, or the singular as after "per"."""
    one, *more = forms.replace("{}", "").split("|")
    if not more or locale.plural == "arabic":
        return (more or [one])[-1].strip().removesuffix("ًا")
    if several:
        match locale.plural:
            case "romanian":
                return more[0]
            case "russian" | "polish" | "czech":
                return more[1]
            case _:
                return more[-1]
    if locale.plural == "russian":
        return one
    # The word for one comes first, except in Hebrew.
    return _HEBREW_ONE.sub("", one) if _HEBREW_ONE.search(one) else one.partition(" ")[2]


def part_of(forms: str, locale: Locale) -> str:
    """The noun of a counted term after a fraction: "half a kilometer"; Slavic languages use the form of decimals."""
    if locale.plural in {"russian", "polish", "czech"} and "|" in forms:
        return _slavic_form(None, forms.split("|"), locale.plural)
    return noun_of(forms, locale, several=False)


def counted(number: str, forms: str, locale: Locale) -> str:
    """The number with the matching plural form of the thing; ``number`` must be plain (``NumberVerbalizer.plain``)."""
    if "{}" in forms:
        return forms.format(number)
    one, *more = forms.split("|")
    whole = int(number) if number.isdecimal() else None
    if more and whole == 1 and locale.plural != "russian":
        return one
    if whole == 2 and locale.plural == "arabic" and more:
        return more[0]
    space = " " if locale.spaced else ""
    return f"{number}{space}{_form(number, whole, forms.split('|'), locale.plural)}"


def _form(number: str, whole: int | None, forms: list[str], plural: Plural) -> str:
    """The plural form for a number other than 1; ``whole`` is ``None`` for a decimal."""
    one, *more = forms
    if not more:
        return one
    match plural:
        case "two":
            return more[-1]
        case "french":
            return one.partition(" ")[2] if float(number.replace(",", ".")) < 2 else more[-1]
        case "romanian":
            return more[0] if whole is None or whole == 0 or 0 < whole % 100 < 20 else more[-1]
        case "arabic":
            return more[1] if whole is not None and 3 <= whole % 100 <= 10 else more[-1]
        case "russian" | "polish" | "czech":
            return _slavic_form(whole, forms, plural)
        case _:
            assert_never(plural)


def _slavic_form(whole: int | None, forms: list[str], plural: Plural) -> str:
    """Decimals take the genitive singular: the last form if there are four, else the form for few."""
    one, few, many, *decimal = forms
    if whole is None:
        return decimal[0] if decimal else few
    if plural == "czech":
        return few if 2 <= whole <= 4 else many
    ending = whole % 10 if whole % 100 not in range(11, 15) else 0
    if plural == "russian" and ending == 1:
        return one
    return few if 2 <= ending <= 4 else many
