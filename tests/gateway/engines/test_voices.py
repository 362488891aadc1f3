"""OpenAI's thirteen names work with every engine, its own names too, others are refused with the choices."""

import pytest

from adapters.contract import tts
from adapters.contract.errors import InvalidRequest
from adapters.tts.openai_voices import OPENAI_VOICES
from gateway.engines.voices import known_voice

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
