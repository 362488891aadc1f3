"""One utterance as PCM: at every speed, without clicks."""

import numpy as np
import numpy.typing as npt
import pytest

from adapters.tts.espeak import speech

SENTENCE = "What is the capital of France? It is a large city on the river Seine, and many people live there."


def speak(text: str, speed: float = 1.0) -> npt.NDArray[np.int16]:
    return np.frombuffer(speech.synthesise(text, "gmw/en-US", speed), "<i2")


@pytest.mark.parametrize("speed", [0.25, 0.4, 0.5, 0.75, 1.5, 2.0, 3.0, 4.0])
def test_the_speed_is_what_was_asked_for(speed: float) -> None:
    normal = len(speak(SENTENCE))
    assert len(speak(SENTENCE, speed)) == pytest.approx(normal / speed, rel=0.1)


@pytest.mark.parametrize("speed", [0.25, 1.0, 4.0])
def test_clips_begin_and_end_without_a_click(speed: float) -> None:
    samples = speak("Apples", speed)
    assert abs(int(samples[0])) < 50
    assert abs(int(samples[-1])) < 50
    assert abs(samples.astype(np.int32)).max() > 5_000
