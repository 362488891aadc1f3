"""How a language writes numbers, dates, money and units, and the words it says for them: data of ``languages/``."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

Terms = dict[str, str]
Plural = Literal["two", "russian", "polish", "czech"]
"""Which numbers take which form (CLDR's plural rules): ``two`` tells 1 from the rest; the others have a form for a few
(2 to 4), in Russian and Polish also for numbers that end so, and in Russian one for numbers that end in 1."""


class Locale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language; what is left out is not rewritten in it.

    A term that is counted has its forms separated by ``|``: one form for languages that do not tell; the whole phrase
    for one thing and the form for several (``ein Euro|Euro``); in Slavic languages a form for few things between them,
    and by the rule ``russian`` the first without the number. ``{}`` is where the number stands if not in front.
    """

    plural: Plural = "two"
    decimal: str = "."
    groups: str = ","
    point: str = ""
    fraction: Literal["digits", "number"] = "digits"
    minus: str = ""
    range: str = ""
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
    abbreviations: Terms = {}
    numbered: Terms = {}
    mathematics: Terms = {}
    months: tuple[str, ...] = ()
    short_months: tuple[str, ...] = ()
    day_first: bool = True
    day_is_ordinal: bool = False
    date: str = ""
    date_without_year: str = ""
    first_day: str = ""
    time: str = ""
    early_time: str = ""
    full_hour: str = ""
    one_hour: str = ""
    time_of_one: str = ""
    full_hour_of_one: str = ""
    hour_words: tuple[str, ...] = ()
    ordinal_suffixes: tuple[str, ...] = ()
    feminine_suffixes: tuple[str, ...] = ()
    ordinals: Terms = {}
    ordinal_nouns: tuple[str, ...] = ()
    inflected_after: tuple[str, ...] = ()
    years_after: tuple[str, ...] = ()


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


def counted(number: str, forms: str, plural: Plural) -> str:
    """The number and the thing in the form that goes with it; ``number`` is as ``Numbers.plain`` leaves it."""
    if "{}" in forms:
        return forms.format(number)
    one, *more = forms.split("|")
    if not more:
        return f"{number} {one}"
    if plural == "russian":
        return f"{number} {one if _ends_in_one(number) else more[0] if _is_few(number) else more[-1]}"
    if number == "1":
        return one
    few = _is_few(number) and (plural == "polish" or number in {"2", "3", "4"} or not number.isdecimal())
    return f"{number} {more[0] if few else more[-1]}"


def _ends_in_one(number: str) -> bool:
    return number.isdecimal() and number[-1] == "1" and number[-2:] != "11"


def _is_few(number: str) -> bool:
    """Ends in 2 to 4 but not in 12 to 14; a decimal counts as few, for it takes the genitive singular or its like."""
    return not number.isdecimal() or (number[-1] in "234" and number[-2:-1] != "1")
