"""Abbreviations are written in full where they stand alone, not as a part of a date, number or name."""

import pytest

from gateway.text.normalization.abbreviated import AbbreviationExpander
from gateway.text.normalization.locale import locale_of
from tests.gateway.text.normalization.spoken_text import spoken


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        (
            "en",
            "Dr. Smith vs. Mr. Jones, e.g. this, etc.",
            "Doctor Smith versus Mister Jones, for example this, et cetera.",
        ),
        ("en", "a.k.a. Bob, i.e. me, w/o and w/ milk", "also known as Bob, that is me, without and with milk"),
        ("en", "9/11 was; 24/7 open", "nine eleven was; twenty-four seven open"),
        ("en", "9/11/2001, 24/7/365, 150/50, 2024/7, 50/50-50", "9/11/2001, 24/7/365, 150/50, 2024/7, 50/50-50"),
        ("en", "No. 5, #3, p. 4, no. Then", "number 5, number 3, page 4, no. Then"),
        ("en", "St. John on Main St. today", "Saint John on Main Street today"),
        ("de", "Fr. Weber, Hr. Meier", "Frau Weber, Herr Meier"),
        ("de", "Fr. 10 Uhr, am Fr. ist", "Fr. 10 Uhr, am Fr. ist"),
    ],
)
def test_abbreviations(language: str, written: str, said: str) -> None:
    assert AbbreviationExpander(locale_of(language)).expand(written) == said


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("de", "Mo.–Fr. 9–17 Uhr", "Montag bis Freitag 9 bis 17 Uhr"),
        ("de", "Fr., 5. Mai", "Freitag, fünfter Mai"),
        ("en", "Sat.–Sun. 9–5", "Saturday to Sunday 9–5"),
        ("en", "9/11/2001", "September eleventh, two thousand and one"),
        ("en", "on 3/10, 3/10 of it", "on March tenth, 3 tenths of it"),
        ("fr", "le 3/10", "le 3 octobre"),
    ],
)
def test_days_and_dates_come_before_abbreviations(language: str, written: str, said: str) -> None:
    assert spoken(written, language) == said
