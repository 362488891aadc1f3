"""Silero with its real model: speech among noise, many streams as one batch, and silence that is not judged."""

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.contract import vad
from adapters.options import BadOption
from adapters.vad.silero.adapter import Silero

RATE = 16_000
QUESTION = Path(__file__).parents[3] / "data" / "question.wav"


@pytest.fixture(scope="module")
def engine(real_model: Callable[[str], Path]) -> Silero:
    silero = Silero(Silero.Options(vad_model=str(real_model("silero") / "silero_vad.onnx")))
    silero.preflight()
    return silero


@pytest.fixture
def runs(engine: Silero, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that the model is given."""
    sizes: list[int] = []
    model: Any = engine._model
    judge = model.speech

    def counted(windows: Any, states: Any) -> Any:
        sizes.append(len(windows))
        return judge(windows, states)

    monkeypatch.setattr(model, "speech", counted)
    return sizes


def question() -> bytes:
    with wave.open(str(QUESTION)) as recording:
        return bytes(recording.readframes(recording.getnframes()))


def noise(seconds: float, level: float) -> bytes:
    samples = np.random.default_rng(1).normal(0, level * 32_768, round(seconds * RATE))
    return samples.astype("<i2").tobytes()


def test_speech_starts_and_stops_where_it_does(engine: Silero) -> None:
    pcm = bytes(2 * RATE) + question() + bytes(2 * 2 * RATE)
    started, stopped = engine.detector().feed(pcm)
    assert isinstance(started, vad.SpeechStarted)
    assert isinstance(stopped, vad.SpeechStopped)
    assert started.at == pytest.approx(1.0, abs=0.3)
    assert stopped.at == pytest.approx(1.0 + len(question()) / 2 / RATE, abs=0.5)


def test_loud_noise_is_no_speech(engine: Silero, runs: list[int]) -> None:
    assert engine.detector().feed(noise(3, 0.05)) == []
    assert runs == [1] * (3 * RATE // 512)


def test_silence_is_not_judged(engine: Silero, runs: list[int]) -> None:
    assert engine.detector().feed(bytes(60 * 2 * RATE) + noise(5, 0.0001)) == []
    assert runs == []


def test_many_streams_run_as_one_batch_and_are_judged_as_alone(engine: Silero, runs: list[int]) -> None:
    streams = [bytes(2 * number * 1600) + question() + bytes(2 * RATE) for number in range(8)]
    alone = [engine.measure([(engine.meter(), pcm)])[0] for pcm in streams]
    runs.clear()
    together = engine.measure([(engine.meter(), pcm) for pcm in streams])
    assert [np.round(each, 3).tolist() for each in together] == [np.round(each, 3).tolist() for each in alone]
    assert max(runs) == 8
    windows = sum(runs)
    assert len(runs) < windows / 4


def test_no_streams_are_no_work(engine: Silero) -> None:
    assert engine.measure([]) == []
    assert isinstance(engine, vad.Metering)


def test_the_threshold_is_a_setting(real_model: Callable[[str], Path]) -> None:
    file = str(real_model("silero") / "silero_vad.onnx")
    strict = Silero(Silero.Options(vad_model=file, vad_silero_gate_db=0.0))
    strict.preflight()
    assert strict.detector().feed(question()) == []


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.local.requirements.find_spec", lambda _: None)
    with pytest.raises(BadOption, match=r"speech-gateway\[silero\]"):
        Silero(Silero.Options()).preflight()
