"""Languages are found by code, regional tag and name."""

import pytest

from gateway import languages
from gateway.languages import code_of, english_name


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


def test_every_language_that_whisper_reports_has_a_name() -> None:
    whisper = pytest.importorskip("transformers.models.whisper.tokenization_whisper")
    assert len(whisper.LANGUAGES) >= 99
    otherwise = {"nn": "Norwegian Nynorsk", "my": "Burmese"}
    for code, name in whisper.LANGUAGES.items():
        assert english_name(code) == otherwise.get(code, english_name(name)), code
        assert code_of(name) == code_of(code), name
    for name in whisper.TO_LANGUAGE_CODE:
        assert code_of(name) is not None, name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("rum", "Romanian"),
        ("ron", "Romanian"),
        ("nob", "Norwegian"),
        ("swh", "Swahili"),
        ("arb", "Arabic"),
        ("ceb", "Cebuano"),
    ],
)
def test_codes_of_three_letters(written: str, name: str) -> None:
    assert english_name(written) == name


def test_a_name_is_a_name_and_no_two_languages_share_one() -> None:
    codes = {code_of(code) for code in languages._CODES}
    assert len(codes) == len(languages._NAMES) >= 180
    assert len(set(languages._NAMES.values())) == len(languages._NAMES)
    assert all(name[0].isupper() and name.strip() == name for name in languages._NAMES.values())
    assert {len(code) for code in languages._NAMES} == {2, 3}
