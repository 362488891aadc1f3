"""Prices are read with their currency behind the number, and cents where the currency has them."""

import pytest

from gateway.text.normalization.locale import locale_of
from gateway.text.normalization.money import MoneyVerbalizer
from tests.gateway.text.normalization.spoken_text import spoken
from tests.gateway.text.normalization.test_characters import LANGUAGES


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "$5.50, $0.99, $.50, $5.00", "5 dollars and 50 cents, 99 cents, 50 cents, 5 dollars"),
        ("en", "$1, €5 million, $3.5bn", "one dollar, 5 million euros, 3.5 billion dollars"),
        ("en", "$5 to $10", "5 to 10 dollars"),
        ("en", "₩500, 5₽, ₺5, ₪1, ₫9", "500 won, 5 rubles, 5 lira, one shekel, 9 dong"),
        ("de", "5,50 €, 1,5 Mio. €", "5 Euro 50, 1,5 Millionen Euro"),
        ("fr", "5 millions €", "5 millions d'euros"),
        ("ja", "$5", "5ドル"),
        ("en", "A5 US5 5x", "A5 US5 5x"),
    ],
)
def test_prices(language: str, written: str, said: str) -> None:
    assert MoneyVerbalizer(locale_of(language)).verbalize(written) == said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sign", "$€£¥₹")
def test_common_currencies_are_read_in_every_language(sign: str, language: str) -> None:
    before, after = spoken(f"{sign}7", language), spoken(f"7 {sign}", language)
    assert before == after
    assert sign not in before
    assert "7" in before
