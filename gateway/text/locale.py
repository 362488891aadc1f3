"""How a language writes numbers, dates, money and units, and the words it says for them: data of ``languages/``."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Literal, assert_never

import msgspec

Terms = dict[str, str]
Plural = Literal["two", "french", "russian", "polish", "czech", "romanian", "arabic"]
"""Which numbers take which form (CLDR's plural rules).

``two`` tells 1 from the rest, ``french`` what is less than 2. The Slavic ones have a form for a few (2 to 4), in
Russian and Polish also for numbers that end so, and in Russian one for numbers that end in 1; a last is for decimals.
``romanian`` has one for up to 19, ``arabic`` one each for 2, for 3 to 10 and for more.
"""


class Locale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language; what is left out is not rewritten in it.

    A term that is counted has its forms separated by ``|``: one form for languages that do not tell; the whole phrase
    for one thing and the form for several (``ein Euro|Euro``); in Slavic languages a form for few things between them,
    and by the rule ``russian`` the first without the number. ``{}`` is where the number stands if not in front.

    ``spaced``: whether a space is between the number and the thing. ``hundreds``: whether 1984 is said as a year is,
    "nineteen eighty-four", always or unless a capitalised word follows, which in German is a noun that is counted;
    ``decade`` ends the word for its decade. ``hours`` are those whose word is not the number's, and
    ``late_full_hour`` is said after noon. ``before_names`` are abbreviations that mean something else before a name.
    ``ending_without_article`` is that of a day's ordinal that stands behind neither ``articles`` nor
    ``inflected_after``. ``phone_pairs``: two digits of a telephone number are said as one number.

    Without ``short_months`` only dates in digits are rewritten. ``year_mark`` and ``years_mark`` are short for a year
    and for years behind their number, said as ``year`` and ``years``, or in a form of ``year_forms`` and
    ``years_forms`` behind the words listed for it.
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
"""A letter or digit of a script that writes spaces; in the others (and after Korean nouns) a word needs no boundary."""

_NORWEGIAN = {"nb": "no", "nn": "no"}
_NOWHERE = Locale()


@cache
def locale_of(language: str | None) -> Locale:
    """What is known of a language given by its code ("pt-BR" is "pt"); an empty one when nothing is."""
    primary = primary_of(language)
    if not re.fullmatch("[a-z]{2,3}", primary):
        return _NOWHERE
    file = resources.files("gateway.text") / "languages" / f"{primary}.toml"
    if not file.is_file():
        return _NOWHERE
    return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Locale)


def primary_of(language: str | None) -> str:
    """The first part of a language's code, in lower case; "no" for both kinds of Norwegian; "" for none."""
    primary = (language or "").lower().replace("_", "-").partition("-")[0]
    return _NORWEGIAN.get(primary, primary)


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words as they stand, the longest that fits; without words one that never matches."""
    listed = sorted(words, key=len, reverse=True)
    return "(?:" + "|".join(map(re.escape, listed)) + ")" if listed else "(?!)"


def counted(number: str, forms: str, locale: Locale) -> str:
    """The number and the thing in the form that goes with it; ``number`` is as ``Numbers.plain`` leaves it."""
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
    """The form for a number that is neither 1 nor said by the form itself; ``whole`` is ``None`` for a decimal."""
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
    """A decimal has the genitive singular: the form for a few, unless there is one more form."""
    one, few, many, *decimal = forms
    if whole is None:
        return decimal[0] if decimal else few
    if plural == "czech":
        return few if 2 <= whole <= 4 else many
    ending = whole % 10 if whole % 100 not in range(11, 15) else 0
    if plural == "russian" and ending == 1:
        return one
    return few if 2 <= ending <= 4 else many
