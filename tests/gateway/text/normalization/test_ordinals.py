"""Ordinals with an ending, listed ones, and German numbers before what they count."""

import pytest

from gateway.text.normalization.locale import locale_of
from gateway.text.normalization.ordinals import OrdinalVerbalizer


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "the 2nd, 21st and 3rd", "the second, twenty-first and third"),
        ("en", "2ndx, v2nd", "2ndx, v2nd"),
        ("es", "el 2º y la 3ª, el 1er", "el segundo y la tercera, el primer"),
        ("fr", "le 2e, la 1re, au XXe", "le deuxième, la première, au vingtième"),
        ("de", "im 19. Jahrhundert, das 2. Mal", "im neunzehnten Jahrhundert, das zweite Mal"),
        ("de", "Das sind 19. Danach", "Das sind 19. Danach"),
    ],
)
def test_ordinals(language: str, written: str, said: str) -> None:
    ordinals = OrdinalVerbalizer(locale_of(language), language)
    assert ordinals.verbalize(ordinals.verbalize_listed(written)) == said
