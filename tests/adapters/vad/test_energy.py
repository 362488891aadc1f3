"""The energy detector: what opens it, what does not, and that the split of a stream does not matter."""

import wave
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import vad
from adapters.vad.energy import Energy

RATE = 16_000
TIME = np.arange(4 * RATE) / RATE
DATA = Path(__file__).parents[2] / "data"


def pcm(samples: npt.NDArray[np.float64]) -> bytes:
    return samples.astype("<i2").tobytes()


@cache
def question() -> npt.NDArray[np.float64]:
    with wave.open(str(DATA / "question.wav")) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").astype(np.float64)
    silence = np.zeros(RATE)
    return np.concatenate([silence, samples, silence])


def events(data: bytes) -> list[vad.Event]:
    return Energy(Energy.Options()).detector().feed(data)


@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_speech_is_found_where_it_is_be_it_loud_or_quiet(gain: float) -> None:
    started, stopped = events(pcm(question() * gain))
    assert isinstance(started, vad.SpeechStarted)
    assert isinstance(stopped, vad.SpeechStopped)
    assert 1.1 < started.at < 1.3
    assert 2.7 < stopped.at < 2.95


def test_speech_over_a_steady_noise_is_found() -> None:
    noise = np.random.default_rng(0).normal(0, 8, len(question()))
    started, stopped = events(pcm(question() * 0.5 + noise))
    assert 1.1 < started.at < 1.3
    assert 2.7 < stopped.at < 2.95


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(TIME * 0, id="digital silence"),
        pytest.param(TIME * 0 + 3000, id="offset"),
        pytest.param(np.random.default_rng(0).integers(-2, 3, len(TIME)).astype(np.float64), id="dither"),
        pytest.param(np.random.default_rng(0).normal(0, 25, len(TIME)), id="faint noise"),
        pytest.param(1000 * np.sin(2 * np.pi * 50 * TIME) + 300 * np.sin(2 * np.pi * 150 * TIME), id="hum"),
        pytest.param(np.where(TIME % 1 < 0.03, 9000 * np.sin(2 * np.pi * 900 * TIME), 0), id="clicks"),
    ],
)
def test_what_is_not_speech_does_not_open_it(samples: npt.NDArray[np.float64]) -> None:
    assert events(pcm(samples)) == []


def test_a_steady_loud_noise_becomes_the_background() -> None:
    noise = np.random.default_rng(0).normal(0, 300, 8 * RATE)
    assert [type(event) for event in events(pcm(noise))] == [vad.SpeechStarted, vad.SpeechStopped]


def test_a_short_pause_does_not_end_speech_and_a_long_one_does() -> None:
    tone = 9000 * np.sin(2 * np.pi * 300 * TIME[:RATE])
    short, long = np.zeros(int(0.4 * RATE)), np.zeros(int(0.6 * RATE))
    found = events(pcm(np.concatenate([tone, short, tone, long, tone, long])))
    assert [event.at for event in found] == pytest.approx([0.0, 2.4, 3.0, 4.0], abs=0.03)


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=40))
def test_any_split_gives_the_same_events(sizes: list[int]) -> None:
    data = pcm(question())
    detector = Energy(Energy.Options()).detector()
    found: list[vad.Event] = []
    at = 0
    for size in sizes:
        found += detector.feed(data[at : at + size])
        at += size
    assert found + detector.feed(data[at:]) == events(data)


def test_the_threshold_is_an_option() -> None:
    deaf = Energy(Energy.Options(vad_energy_threshold_db=-10)).detector()
    assert deaf.feed(pcm(question())) == []
