"""The jobs of a Kokoro worker, answered in this process, with Kokoro's own library replaced."""

from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from adapters.tts.kokoro import worker
from adapters.tts.phrase_workers import Phrase, Speaker
from tests.support.workers import answered as answered_job


class Model:
    """Notes how it is asked to speak; every phoneme is a sample."""

    voices = {"a": np.zeros(2), "b": np.ones(2)}  # noqa: RUF012 - a fake

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.tokenizer = SimpleNamespace(phonemize=lambda text, language: f"{text} \n({language})" if text else "...")

    def create(self, phonemes: str, style: Any, speed: float, **more: Any) -> tuple[Any, int]:
        self.asked.append((phonemes, style.tolist(), speed, more))
        return np.full(len(phonemes), 0.5), 24_000


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    loaded = Model()
    monkeypatch.setattr(worker, "_load", lambda *_: loaded)
    pytest.importorskip("kokoro_onnx", reason="needs kokoro_onnx")
    return loaded


def answered(text: str, voice: str = "a", speed: float = 1.0) -> bytes:
    job = msgspec.msgpack.encode(Phrase(text=text, speed=speed, speaker=Speaker(voice=voice, language="en-us")))
    return b"".join(answered_job(worker.synthesiser("model", "voices", ""), job))


def test_voices_are_mixed_and_the_speed_is_passed_on(model: Model) -> None:
    answered("hello", "a+b", 2.0)
    assert model.asked == [
        ("hello (en-us)", [0.5, 0.5], 2.0, {"is_phonemes": True, "sentence_pause": 0.125, "clause_pause": 0.05})
    ]


@pytest.mark.usefixtures("model")
def test_text_without_phonemes_is_no_audio() -> None:
    assert answered("") == b""
