"""Signs with a word are read by it where they are signs; in words, names and addresses they are kept."""

import pytest

from gateway.text.normalization.locale import locale_of
from gateway.text.normalization.symbols import SymbolVerbalizer


def read(text: str, language: str = "en") -> str:
    symbols = SymbolVerbalizer(locale_of(language))
    return " ".join(symbols.verbalize(symbols.verbalize_numbers(text)).split()).replace(" ,", ",")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("-5, (−5), –5 degrees", "minus 5, (minus 5), minus 5 degrees"),
        ("10 - 3 = 7", "10 minus 3 equals 7"),
        ("5*3, 5 × 3, 1920x1080, 3x faster", "5 times 3, 5 times 3, 1920 times 1080, 3 times faster"),
        ("x<5, x > 5, p ≤ 0.05", "x less than 5, x greater than 5, p less than or equal to 0.05"),
        ("3:1, 3 : 1, 16:9", "3 to 1, 3 to 1, 16 to 9"),
        ("A → B, A -> B, A => B, A→B", "A to B, A to B, A to B, A to B"),
        ("a ← b", "a, b"),
        ("√9, ∞, √(x)", "the square root of 9, infinity, the square root of (x)"),
        ("5'10\" or 5 ft 10 in", "5 feet 10 inches or 5 feet 10 inches"),
        ("Tom & Jerry", "Tom and Jerry"),
        ("and/or, he/she, TCP/IP, N/A", "and or, he she, TCP IP, N A"),
        ("degrees/350", "degrees, 350"),
    ],
)
def test_signs(written: str, said: str) -> None:
    assert read(written) == said


@pytest.mark.parametrize(
    "text", ["AT&T", "C++", "a-b", "x-5", "src/main.py", "/usr/bin", "a/b/c", "COVID-19", "10:30:45"]
)
def test_signs_inside_a_name_are_kept(text: str) -> None:
    assert read(text) == text


def test_a_time_of_day_is_no_ratio_where_times_have_no_words() -> None:
    assert read("10:30 3:1", "ru") == "10:30 3 к 1"
