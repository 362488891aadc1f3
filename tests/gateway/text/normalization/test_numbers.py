"""Numbers are plain for engines that read digits, and words for those that do not."""

import pytest

from gateway.text.normalization.locale import locale_of
from gateway.text.normalization.numbers import NumberVerbalizer, in_words


@pytest.mark.parametrize(
    ("language", "written", "plain"),
    [
        ("en", "1,234,567.5 and 1,23,456", "1234567.5 and 123456"),
        ("de", "1.234,5 or 1,234.5 or 3.14", "1234,5 or 1234,5 or 3,14"),
        ("fr", "1\u202f234,5", "1234,5"),
        ("en", "1.2.3, 12:30,5", "1.2.3, 12:30,5"),
    ],
)
def test_plain_numbers(language: str, written: str, plain: str) -> None:
    assert NumberVerbalizer(locale_of(language), language, words=False).plain(written) == plain


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "MP3 costs 1234.05", "MP three costs one thousand two hundred and thirty-four point zero five"),
        ("en", "007", "zero zero seven"),
        ("de", "3,14", "drei Komma eins vier"),
        ("it", "3,14", "tre virgola quattordici"),
        ("ja", "5と3.14", "五と三点一四"),
        ("tr", "2500121", "iki milyon beş yüz bin yüz yirmi bir"),
    ],
)
def test_spelled_numbers(language: str, written: str, said: str) -> None:
    assert NumberVerbalizer(locale_of(language), language, words=True).verbalize(written) == said


def test_an_endless_number_is_read_digit_by_digit() -> None:
    assert NumberVerbalizer(locale_of("en"), "en", words=False).verbalize("1" * 16) == " ".join("1" * 16)


@pytest.mark.parametrize("language", [None, "xx", "yue"])
def test_a_language_that_the_library_lacks_has_no_words(language: str | None) -> None:
    assert in_words(5, language, "cardinal") is None
