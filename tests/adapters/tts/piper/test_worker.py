"""The jobs of a Piper worker, answered in this process, with Piper's own library replaced."""

from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from adapters.tts.phrase_workers import Phrase, Speaker
from adapters.tts.piper import worker
from tests.support.workers import answered as answered_job


class Voice:
    """Notes how it is asked to speak, and gives a sentence for each full stop."""

    config = SimpleNamespace(speaker_id_map={"p2": 7}, length_scale=1.2)

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def synthesize(self, text: str, config: Any) -> list[Any]:
        self.asked.append(config)
        return [SimpleNamespace(audio_float_array=np.full(3, 0.5, np.float32)) for _ in range(text.count("."))]


@pytest.fixture
def voice(monkeypatch: pytest.MonkeyPatch) -> Voice:
    loaded = Voice()
    pytest.importorskip("piper", reason="needs piper")
    monkeypatch.setattr(worker, "_load", lambda _: loaded)
    return loaded


def answered(text: str, name: str = "joe", speed: float = 1.0) -> bytes:
    job = msgspec.msgpack.encode(Phrase(text=text, speed=speed, speaker=Speaker(voice=name)))
    return b"".join(answered_job(worker.synthesiser("/voices/joe.onnx"), job))


def test_speaker_and_speed_are_passed_on(voice: Voice) -> None:
    answered("Hello.", "joe+p2", 2.0)
    (config,) = voice.asked
    assert (config.speaker_id, config.length_scale, config.normalize_audio) == (7, 0.6, False)


@pytest.mark.usefixtures("voice")
def test_the_sentences_of_a_phrase_are_joined() -> None:
    assert np.frombuffer(answered("One. Two."), "<i2").tolist() == [16_383] * 6


@pytest.mark.usefixtures("voice")
def test_text_of_which_nothing_is_spoken_is_no_audio() -> None:
    assert answered("nothing") == b""
