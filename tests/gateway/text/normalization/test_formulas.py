"""LaTeX and powers are read; what is too complex is named as omitted, and runs of openers stay cheap."""

import pytest

from gateway.text.normalization.formulas import FormulaVerbalizer
from gateway.text.normalization.locale import locale_of


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("$E = mc^2$", "E equals mc squared"),
        (r"\(\frac{a}{b}\) and \[x \leq 5\]", "a over b and x is at most 5"),
        (r"$\sqrt{x} \times \pi$", "the square root of x times pi"),
        (r"$$\begin{matrix}1\end{matrix}$$", "formula omitted"),
        ("price $5 and $10", "price $5 and $10"),
    ],
)
def test_latex(written: str, said: str) -> None:
    assert FormulaVerbalizer(locale_of("en")).verbalize(written) == said


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        (
            "en",
            "x², 10⁵, 10⁻³, 2^10, x^n",
            "x squared, 10 to the power of 5, 10 to the power of minus 3, 2 to the power of 10, x to the power of n",
        ),
        ("en", "1e5, 1.5e-3", "1 times 10 to the power of 5, 1.5 times 10 to the power of minus 3"),
        ("en", "the end.² word¹ note.”³", "the end. word note.”"),
        ("ja", "10⁵, x²", "10 の5乗, x の二乗"),
        ("ko", "10⁵", "10 의 5제곱"),
        ("xx", "x² 10⁵", "x² 10⁵"),
    ],
)
def test_powers_and_footnotes(language: str, written: str, said: str) -> None:
    powers = FormulaVerbalizer(locale_of(language)).verbalize_powers(written)
    assert " ".join(powers.split()).replace(" ,", ",") == said
