"""The voices of the real library by the names that clients use."""

import pytest

from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.tts.espeak import library
from adapters.tts.espeak.voices import ALIASES, VoiceTable
from adapters.tts.openai_voices import OPENAI_VOICES


@pytest.fixture(scope="module")
def voices() -> VoiceTable:
    return VoiceTable(library.inventory())


@pytest.mark.parametrize(
    ("voice", "language", "identifier"),
    [
        (None, None, "gmw/en-US"),
        (None, "de", "gmw/de"),
        ("alloy", None, "gmw/en-US+f1"),
        ("Alloy", "en", "gmw/en-US+f1"),
        ("alloy", "en-GB", "gmw/en+f1"),
        ("alloy", "fr", "roa/fr+f1"),
        ("alloy", "fr_CA", "roa/fr+f1"),
        ("alloy", "zh", "sit/cmn+f1"),
        ("de+m3", "fr", "gmw/de+m3"),
    ],
)
def test_the_language_sets_the_base_of_an_alias(
    voices: VoiceTable, voice: str | None, language: str | None, identifier: str
) -> None:
    assert voices.identifier(voice, language) == identifier


def test_every_name_of_openai_has_a_voice_of_its_own(voices: VoiceTable) -> None:
    assert set(ALIASES) == set(OPENAI_VOICES)
    assert len({voices.identifier(name, None) for name in OPENAI_VOICES}) == len(OPENAI_VOICES)


@pytest.mark.parametrize("voice", ["nosuch", "de+nosuch", "../../x", "alloy+f2", "+f2"])
def test_an_unknown_voice_is_refused(voices: VoiceTable, voice: str) -> None:
    with pytest.raises(InvalidRequest, match="There is no voice"):
        voices.identifier(voice, None)


def test_an_unknown_language_is_refused(voices: VoiceTable) -> None:
    with pytest.raises(Unsupported, match="'tlh'"):
        voices.identifier("alloy", "tlh")


def test_each_base_voice_has_a_language_and_the_first_of_one_is_what_the_language_selects(voices: VoiceTable) -> None:
    assert set(voices.languages) == set(voices.names)
    first: dict[str, str] = {}
    for name, language in voices.languages.items():
        first.setdefault(language, name)
    assert voices.languages["en-gb"] == "en"
    assert [first[language] for language in ("en", "fr", "zh", "no", "yue", "chr")] == [
        "en-us",
        "fr-fr",
        "cmn",
        "nb",
        "yue",
        "chr-us-qaaa-x-west",
    ]
