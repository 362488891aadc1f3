"""The abbreviated word for "year" is written in full, in the form that the word before it asks for."""

import pytest

from gateway.text.normalization.locale import locale_of
from gateway.text.normalization.year_abbreviations import YearAbbreviations


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("ru", "в 1999 г. он", "в 1999 году он"),
        ("ru", "с мая 1999 г.", "с мая 1999 года."),
        ("ru", "1941–1945 гг. были", "1941–1945 годы были"),
        ("ru", "1500 г муки, 99 г.", "1500 г муки, 99 г."),
        ("pl", "w 1999 r. było", "w 1999 roku było"),
        ("en", "1999 г.", "1999 г."),
    ],
)
def test_years_with_their_word(language: str, written: str, said: str) -> None:
    assert YearAbbreviations(locale_of(language)).verbalize(written) == said
