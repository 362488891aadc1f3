"""OpenAI's thirteen names work with every engine, its own names too, others are refused with the choices."""

import pytest

from adapters.contract import tts
from adapters.contract.errors import InvalidRequest
from adapters.tts.openai_voices import OPENAI_VOICES
from gateway.engines.voices import known_voice, language_of, voices_by_language

INFO = tts.Info(sample_rate=24_000, voices=("hum", "buzz"), default_voice="hum", aliases={"echo": "buzz", "low": "hum"})


def test_there_are_thirteen_of_openais_names() -> None:
    assert len(OPENAI_VOICES) == len(set(OPENAI_VOICES)) == 13


@pytest.mark.parametrize("name", OPENAI_VOICES)
def test_openais_names_are_the_alias_or_the_default(name: str) -> None:
    assert known_voice(INFO, name) == ("echo" if name == "echo" else "hum")


@pytest.mark.parametrize("name", ["hum", "buzz", "low", "hum+whisper"])
def test_the_engines_own_names_stay_as_they_are(name: str) -> None:
    assert known_voice(INFO, name) == name


@pytest.mark.parametrize("name", ["darth", "Alloy", "", "+hum", "darth+hum"])
def test_others_are_refused_with_the_choices(name: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        known_voice(INFO, name)
    assert (refusal.value.param, refusal.value.code) == ("voice", "invalid_value")
    assert repr(name) in refusal.value.message
    assert "alloy" in refusal.value.message
    assert "hum, buzz" in refusal.value.message


def test_many_voices_are_not_all_named() -> None:
    many = tts.Info(sample_rate=24_000, voices=tuple(f"v{number}" for number in range(900)), default_voice="v0")
    with pytest.raises(InvalidRequest, match="v199 and others") as refusal:
        known_voice(many, "darth")
    assert "v200" not in refusal.value.message


def test_an_engine_that_does_not_know_its_voices_is_given_every_name() -> None:
    unknown = tts.Info(sample_rate=24_000, voices=(), default_voice="alloy")
    assert [known_voice(unknown, name) for name in ("alloy", "darth")] == ["alloy", "darth"]
    with pytest.raises(InvalidRequest):
        known_voice(unknown, "")


POLYGLOT = tts.Info(
    sample_rate=24_000,
    voices=("joe", "ann", "eva", "max"),
    default_voice="joe",
    aliases={"alloy": "ann"},
    voice_languages={"joe": "en", "ann": "en", "eva": "de", "max": "de"},
)


@pytest.mark.parametrize(
    ("usual", "wanted", "expected"),
    [
        ("joe", {}, {"en": "joe", "de": "eva"}),
        ("alloy", {}, {"en": "alloy", "de": "eva"}),
        ("max", {}, {"de": "max", "en": "joe"}),
        ("joe", {"de": "max", "fr": "ann"}, {"en": "joe", "de": "max", "fr": "ann"}),
        ("eva+loud", {}, {"de": "eva+loud", "en": "joe"}),
    ],
)
def test_each_language_has_its_voice(usual: str, wanted: dict[str, str], expected: dict[str, str]) -> None:
    assert voices_by_language(POLYGLOT, usual, wanted) == expected


def test_where_voices_speak_any_language_only_the_settings_choose() -> None:
    assert voices_by_language(INFO, "hum", {}) == {}
    assert voices_by_language(INFO, "hum", {"de": "buzz"}) == {"de": "buzz"}


def test_a_voice_for_a_language_must_be_there() -> None:
    with pytest.raises(InvalidRequest, match="darth"):
        voices_by_language(POLYGLOT, "joe", {"de": "darth"})


def test_an_alias_with_a_variant_has_it_in_every_language() -> None:
    varied = tts.Info(
        sample_rate=24_000,
        voices=("en-us", "de"),
        default_voice="en-us",
        aliases={"alloy": "en-us+f1"},
        voice_languages={"en-us": "en", "de": "de"},
    )
    assert voices_by_language(varied, "alloy", {}) == {"en": "alloy", "de": "de+f1"}


@pytest.mark.parametrize(("voice", "language"), [("joe", "en"), ("alloy", "en"), ("eva+loud", "de"), ("darth", None)])
def test_a_voice_may_speak_one_language(voice: str, language: str | None) -> None:
    assert language_of(POLYGLOT, voice) == language
