"""Dates and times are read in the order and with the words of the language."""

import pytest

from gateway.text.normalization.dates import DateVerbalizer
from gateway.text.normalization.locale import locale_of


def read(text: str, language: str) -> str:
    dates = DateVerbalizer(locale_of(language), language)
    return dates.verbalize_remaining_times(dates.verbalize(dates.verbalize_numeric(text)))


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "9/11/2001", "September eleventh, two thousand and one"),
        ("en", "25/12/2024", "December twenty-fifth, twenty twenty-four"),
        ("en", "on 3/10, 3/10, on 1/2", "on March tenth, 3/10, on 1/2"),
        ("en-GB", "by 3/10", "by October third"),
        ("en", "13/45/2024, on 45/13", "13/45/2024, on 45/13"),
        ("en", "10:30, 10.30 a.m., 5:00 pm", "10 30, 10 30 a.m., 5 pm"),
        ("en", "10:30:45", "10 30 45"),
        ("ru", "10:30, 10:30:45", "10 30, 10 30 45"),
        ("de", "am 3.10. um 10:30 Uhr", "am dritten Oktober um 10 Uhr 30"),
        ("fr", "le 1/5/2026 à 10 h 30", "le premier mai 2026 à 10 heures 30"),
        ("it", "dal 3/10", "dal 3 ottobre"),
        ("zh", "2026-10-03 10:30", "2026年10月3日 10点30分"),
    ],
)
def test_dates_and_times(language: str, written: str, said: str) -> None:
    assert read(written, language) == said
