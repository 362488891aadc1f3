"""Years and decades are read as such where the language does, numbers of things are not."""

import pytest

from gateway.text.normalization.locale import locale_of
from gateway.text.normalization.years import YearVerbalizer


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "in 1984, the 1990s and '80s", "in nineteen eighty-four, the nineteen nineties and eighties"),
        ("en", "1990–95, 1990–85", "nineteen ninety to 95, 1990–85"),
        ("en", "1984 km, $1984, 1,984, 19841", "1984 km, $1984, 1,984, 19841"),
        ("de", "im Jahr 1984, 1984 Leute", "im Jahr neunzehnhundertvierundachtzig, 1984 Leute"),
        ("fr", "en 1984", "en 1984"),
    ],
)
def test_years(language: str, written: str, said: str) -> None:
    assert YearVerbalizer(locale_of(language), language).verbalize(written) == said
