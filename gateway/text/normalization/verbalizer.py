"""Puts plain text into words for one language and engine: calls the verbalizers in the order that they need."""

import re
from collections.abc import Callable
from functools import lru_cache

from adapters.contract import tts
from gateway.text.normalization.abbreviated import AbbreviationExpander
from gateway.text.normalization.addresses import AddressVerbalizer
from gateway.text.normalization.characters import fold
from gateway.text.normalization.dates import DateVerbalizer
from gateway.text.normalization.digit_groups import DigitGroupVerbalizer
from gateway.text.normalization.formulas import FormulaVerbalizer
from gateway.text.normalization.fractions import FractionVerbalizer
from gateway.text.normalization.locale import Locale, locale_of
from gateway.text.normalization.measures import MeasureVerbalizer
from gateway.text.normalization.money import MoneyVerbalizer
from gateway.text.normalization.numbers import NumberVerbalizer
from gateway.text.normalization.ordinals import OrdinalVerbalizer
from gateway.text.normalization.ranges import RangeVerbalizer
from gateway.text.normalization.symbols import SymbolVerbalizer
from gateway.text.normalization.year_abbreviations import YearAbbreviations

# One number, written with spaces: "1 000 000".
_SPACED_NUMBER = re.compile(
    r"(?<![\w.,:/+])(?<!(?<!\d)-)(\d{1,3}(?: \d{3}){2,5}|\d{1,3} 000)(?!\w|-(?!\d{1,3} \d{3})|[.,:]\d| \d)", re.ASCII
)
_DIGIT_OF_ANOTHER_SCRIPT = re.compile(r"[^\D0-9]")
_PHONEME_BRACKETS = re.compile(r"\[\[+|\]\]+")

Step = Callable[[str], str]


class Verbalizer:
    """Verbalizes what the engine does not read itself; in an unknown language only signs that are never spoken go."""

    def __init__(self, language: str | None, reads: frozenset[tts.Readable]) -> None:
        locale = locale_of(language)
        numbers = NumberVerbalizer(locale, language, words="numbers" not in reads)
        formulas = FormulaVerbalizer(locale)
        self.formulas = formulas.verbalize
        self._steps: list[Step] = [fold, AddressVerbalizer({} if "notation" in reads else locale.address).verbalize]
        # Only a known language tells whether a comma groups digits or is the decimal mark.
        if locale.point and "notation" not in reads:
            self._steps += _notation(locale, language, numbers)
        self._steps.append(formulas.verbalize_powers)
        if language and "numbers" not in reads:
            self._steps.append(numbers.verbalize)

    def verbalize(self, text: str) -> str:
        """The text in words; brackets that an engine would take for phonemes are removed."""
        for step in self._steps:
            text = step(text)
        return _PHONEME_BRACKETS.sub(" ", text)


@lru_cache(maxsize=256)
def verbalizer_of(language: str | None, reads: frozenset[tts.Readable]) -> Verbalizer:
    """The verbalizer of a language and engine; cached, because a language's patterns take milliseconds to compile."""
    return Verbalizer(language, reads)


def _notation(locale: Locale, language: str | None, numbers: NumberVerbalizer) -> list[Step]:
    """The steps for one language, in an order that matters: what one step writes, the next ones read."""
    ranges, ordinals, dates = (
        RangeVerbalizer(locale),
        OrdinalVerbalizer(locale, language),
        DateVerbalizer(locale, language),
    )
    groups, measures, symbols = DigitGroupVerbalizer(locale), MeasureVerbalizer(locale), SymbolVerbalizer(locale)
    words: list[Step] = [ranges.verbalize_names, AbbreviationExpander(locale).expand, ordinals.verbalize_listed]
    with_digits: list[Step] = [
        lambda text: _DIGIT_OF_ANOTHER_SCRIPT.sub(lambda digit: str(int(digit[0])), text),
        lambda text: _SPACED_NUMBER.sub(lambda found: found[0].replace(" ", ""), text),
        dates.verbalize_numeric,
        YearAbbreviations(locale).verbalize,
        groups.verbalize_telephone,
        FractionVerbalizer(locale).verbalize,
        ranges.verbalize,
        dates.verbalize,
        groups.verbalize_named_versions,
        numbers.plain,
        groups.verbalize_versions,
        symbols.verbalize_numbers,
        measures.verbalize_rates,
        MoneyVerbalizer(locale).verbalize,
        measures.verbalize,
    ]
    last: list[Step] = [
        measures.verbalize_lone_units,
        symbols.verbalize,
        ordinals.verbalize,
        dates.verbalize_remaining_times,
    ]
    return [*words, lambda text: _if_digits(text, with_digits), *last]


def _if_digits(text: str, steps: list[Step]) -> str:
    if any(map(str.isnumeric, text)):
        for step in steps:
            text = step(text)
    return text
