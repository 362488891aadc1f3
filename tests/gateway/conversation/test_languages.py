"""Languages are found by code, regional tag and name."""

import pytest

from gateway.conversation.languages import code_of, english_name


@pytest.mark.parametrize(
    ("written", "code", "name"),
    [
        ("fr", "fr", "French"),
        ("pt-BR", "pt", "Portuguese"),
        ("zh_CN", "zh", "Chinese"),
        ("zh-Hant-TW", "zh", "Chinese"),
        ("english", "en", "English"),
        (" German ", "de", "German"),
        ("jw", "jv", "Javanese"),
        ("yue", "yue", "Cantonese"),
        ("deu", "de", "German"),
        ("haitian creole", "ht", "Haitian Creole"),
        ("castilian", "es", "Spanish"),
    ],
)
def test_known_languages(written: str, code: str, name: str) -> None:
    assert code_of(written) == code
    assert english_name(written) == name


@pytest.mark.parametrize("written", ["", "xx", "Klingon", "auto", "e", "-"])
def test_unknown_languages(written: str) -> None:
    assert code_of(written) is None
    assert english_name(written) is None
