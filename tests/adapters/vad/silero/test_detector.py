"""One stream without the model: windows, the gate, and starts and stops of given probabilities."""

from typing import Any, cast

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from adapters.contract import vad
from adapters.vad.silero.detector import WINDOW_SECONDS, SileroDetector, SileroMeter, judge
from adapters.vad.silero.model import Floats


def told(probabilities: list[float]) -> list[vad.Event]:
    detector = SileroDetector(0.5)
    return [event for probability in probabilities for event in detector.judged(probability)]


def test_one_window_is_no_speech() -> None:
    assert told([0.9, 0.1] * 10) == []


def test_a_start_and_a_stop_are_dated_back() -> None:
    assert told([0.1] * 5 + [0.9] * 10 + [0.1] * 16) == [
        vad.SpeechStarted(at=5 * WINDOW_SECONDS),
        vad.SpeechStopped(at=15 * WINDOW_SECONDS),
    ]


def test_a_pause_is_no_stop_and_doubt_keeps_speech_going() -> None:
    assert len(told([0.9] * 5 + [0.1] * 15 + [0.9] * 5 + [0.4] * 50)) == 1


class Recording:
    """In place of the model: what it is asked."""

    def __init__(self) -> None:
        self.windows: list[Floats] = []

    def speech(self, windows: Floats, states: Floats) -> tuple[Floats, Floats]:
        self.windows += list(windows)
        return np.full(len(windows), 0.5, np.float32), states + 1


def test_windows_have_the_samples_before_them_as_context() -> None:
    meter, model = SileroMeter(), Recording()
    samples = np.arange(1100) * 37 % 20_000
    windows = meter.take(samples.astype("<i2").tobytes())
    assert [judge(cast("Any", model), [meter], [window], 0.0) for window in windows] == [[0.5], [0.5]]
    first, second = model.windows
    assert np.allclose(first[:64], 0)
    assert np.allclose(first[64:] * 32_768, samples[:512])
    assert np.allclose(second * 32_768, samples[448:1024])
    assert meter.state.max() == 2


def test_quiet_windows_are_not_in_the_run_but_are_the_context_of_the_next() -> None:
    quiet, loud, model = SileroMeter(), SileroMeter(), Recording()
    square = np.tile(np.array([800, -800], "<i2"), 256).tobytes()
    soft = np.tile(np.array([1, -1], "<i2"), 256).tobytes()
    assert judge(cast("Any", model), [quiet, loud], [soft, square], 0.001) == [0.0, 0.5]
    assert judge(cast("Any", model), [quiet], [square], 0.001) == [0.5]
    assert len(model.windows) == 2
    assert np.abs(model.windows[1][:64] * 32_768).max() == 1
