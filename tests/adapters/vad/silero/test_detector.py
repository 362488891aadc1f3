"""One stream without the model: windows, the gate, and starts and stops of given probabilities."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from adapters.contract import vad
from adapters.vad.silero.detector import WINDOW_SECONDS, SileroDetector


def told(probabilities: list[float]) -> list[vad.Event]:
    detector = SileroDetector(0.5, -65.0)
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


def test_windows_have_the_samples_before_them_as_context() -> None:
    detector = SileroDetector(0.5, -65.0)
    samples = np.arange(1100) * 37 % 20_000
    windows = [item for item in detector.take(samples.astype("<i2").tobytes()) if isinstance(item, np.ndarray)]
    assert [len(window) for window in windows] == [576, 576]
    assert np.allclose(windows[0][:64], 0)
    assert np.allclose(windows[1] * 32_768, samples[448:1024])
