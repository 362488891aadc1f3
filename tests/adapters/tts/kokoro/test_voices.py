"""Kokoro's voices by the names and languages that clients write."""

import pytest

from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.tts.kokoro.voices import VoiceTable
from adapters.tts.openai_voices import OPENAI_VOICES
from adapters.tts.phrase_workers import Speaker

TABLE = VoiceTable(("af_bella", "af_heart", "af_sky", "am_echo", "bf_emma", "ef_dora", "jf_alpha"))


def test_the_default_is_the_best_voice_there_is() -> None:
    assert TABLE.default == TABLE.names[0] == "af_heart"
    assert VoiceTable(("jf_alpha", "jm_kumo")).default == "jf_alpha"


def test_the_names_of_openai_are_voices_that_are_there() -> None:
    assert tuple(TABLE.aliases) == OPENAI_VOICES
    assert set(TABLE.aliases.values()) <= set(TABLE.names)
    assert (TABLE.aliases["echo"], TABLE.aliases["shimmer"]) == ("am_echo", "af_sky")


@pytest.mark.parametrize(
    ("name", "language", "voice", "spoken"),
    [
        (None, None, "af_heart", "en-us"),
        ("bf_emma", None, "bf_emma", "en-gb"),
        ("bf_emma", "en", "bf_emma", "en-gb"),
        ("alloy", "es-MX", "ef_dora", "es"),
        ("alloy", "fr", "af_heart", "fr-fr"),
        ("jf_alpha", "en", "jf_alpha", "en-us"),
        ("jf_alpha", None, "jf_alpha", "ja"),
        ("af_sky+af_bella", "pt", "af_sky+af_bella", "pt-br"),
        ("NOVA", "zh", "af_heart", "cmn"),
    ],
)
def test_voice_and_language(name: str | None, language: str | None, voice: str, spoken: str) -> None:
    found = TABLE.speaker(name, language)
    assert found.language == spoken
    if name != "NOVA":
        assert found == Speaker(voice=voice, language=spoken)


@pytest.mark.parametrize("name", ["nobody", "af_sky+nobody", "+af_sky", "af_sky+", "+".join(["af_sky"] * 6)])
def test_an_unknown_voice_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(InvalidRequest, match="af_heart, af_bella, af_sky"):
        TABLE.speaker(name, None)


def test_a_language_that_it_does_not_speak_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="'de', only en, es, fr"):
        TABLE.speaker(None, "de")
