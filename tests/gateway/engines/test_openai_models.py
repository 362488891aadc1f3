"""OpenAI's names of models for one stage."""

from typing import get_args

import pytest
from openai.types import AudioModel
from openai.types.audio import SpeechModel

from gateway.engines.openai_models import is_openai_model


@pytest.mark.parametrize("name", get_args(AudioModel))
def test_what_the_sdk_lists_for_transcription_is_known(name: str) -> None:
    assert is_openai_model("stt", name)
    assert not is_openai_model("tts", name)


@pytest.mark.parametrize("name", get_args(SpeechModel))
def test_what_the_sdk_lists_for_speech_is_known(name: str) -> None:
    assert is_openai_model("tts", name)
    assert not is_openai_model("stt", name)


@pytest.mark.parametrize("name", ["", "-2025", "tts-1-25", "tts-1-2025-12", "gpt-4o", "TTS-1"])
def test_other_names_are_not(name: str) -> None:
    assert not any(is_openai_model(stage, name) for stage in ("stt", "llm", "tts"))
