"""Telephone numbers are read digit by digit, versions with their full stops; prices and dates are neither."""

import pytest

from gateway.text.normalization.digit_groups import DigitGroupVerbalizer
from gateway.text.normalization.locale import locale_of


def read(text: str, language: str = "en") -> str:
    groups = DigitGroupVerbalizer(locale_of(language))
    return groups.verbalize_versions(groups.verbalize_named_versions(groups.verbalize_telephone(text)))


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "+49 30 123456", "plus 4 9, 3 0, 1 2 3 4 5 6"),
        ("en", "(555) 123-4567, 555-1234", "5 5 5, 1 2 3, 4 5 6 7, 5 5 5, 1 2 3 4"),
        ("fr", "01 42 68 53 00", "0 1, 42, 68, 53, 0 0"),
        ("en", "v2.0.1, 192.168.1.1", "v2 dot 0 dot 1, 192 dot 168 dot 1 dot 1"),
        ("de", "Python 3.12, 3.12 Euro", "Python 3 Punkt 12, 3.12 Euro"),
        ("th", "23.11.2026", "23 11 2026"),
        ("en", "3.14, 1,234, 10-12", "3.14, 1,234, 10-12"),
    ],
)
def test_digit_groups(language: str, written: str, said: str) -> None:
    assert read(written, language) == said
