"""Fraction signs, fractions in digits and mixed numbers, alone and with a unit, glued to words or not."""

import unicodedata

import pytest

from gateway.text.normalization.fractions import FractionVerbalizer
from gateway.text.normalization.locale import locale_of
from tests.gateway.text.normalization.spoken_text import spoken
from tests.gateway.text.normalization.test_characters import LANGUAGES


def read(text: str, language: str = "en") -> str:
    return FractionVerbalizer(locale_of(language)).verbalize(text)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Add ½ cup", "Add one half cup"),
        ("Add½cup", "Add one half cup"),
        ("2½ cups, 2 ½ cups, 12½", "2 and a half cups, 2 and a half cups, 12 and a half"),
        ("1 1/2 cups, 1 ⅓", "1 and a half cups, 1 and one third"),
        ("⅐, ⅚ and ⅝", "one seventh, 5 sixths and 5 eighths"),
        ("5/16 inch", "5 sixteenths inch"),
        ("½ km, 2½ km, 3/4 kg", "one half kilometer, 2 and a half kilometers, three quarters kilogram"),
    ],
)
def test_fractions(written: str, said: str) -> None:
    assert read(written).replace("five ", "5 ") == said


@pytest.mark.parametrize("text", ["10/3", "9/11/2001", "24/7", "1/2/3", "a/2", "1.1/2", "½⅓", "2024/25", "1/2024"])
def test_what_is_no_fraction_is_kept(text: str) -> None:
    assert read(text) == text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sign", [chr(code) for code in (*range(0xBC, 0xBF), *range(0x2150, 0x215F))])
def test_every_fraction_sign_is_read_in_every_language(sign: str, language: str) -> None:
    said = spoken(f"x {sign} y", language)
    assert sign not in said
    assert said.startswith("x ")
    assert said.endswith(" y")
    with_slash = unicodedata.normalize("NFKC", sign)
    assert spoken(f"x {with_slash} y", language) in {said, f"x {with_slash.replace('⁄', '/')} y"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mixed_number_is_no_longer_number(language: str) -> None:
    assert spoken("12½ x", language) == spoken("12 1/2 x", language)
    assert "12" in spoken("12½ x", language)
