"""The client's audio as the session hears it: formats, channels, and what was lost."""

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from gateway.realtime.hearing.audio_format import FORMATS
from gateway.webrtc.microphone import MOST_MISSING_SECONDS, Microphone

SAMPLES = 960


@pytest.fixture
def heard() -> bytearray:
    return bytearray()


def frame(number: int, left: int = 1000, right: int = 1000) -> Any:
    samples = np.tile(np.array([left, right], "<i2"), SAMPLES).reshape(1, -1)
    made = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
    made.sample_rate, made.pts, made.time_base = 48_000, number * SAMPLES, Fraction(1, 48_000)
    return made


def test_both_channels_are_heard_as_one(heard: bytearray) -> None:
    microphone = Microphone(heard.extend)
    for number in range(50):
        microphone.take(frame(number, left=3000, right=1000))
    samples = np.frombuffer(bytes(heard), "<i2")
    assert 22_000 < len(samples) <= 24_000
    assert np.abs(samples[2000:-2000] - 2000).max() < 20


def test_another_format_of_the_session(heard: bytearray) -> None:
    microphone, law = Microphone(heard.extend), FORMATS["audio/pcmu"]
    microphone.listen(law)
    for number in range(50):
        microphone.take(frame(number))
    assert 6_500 < len(heard) <= 8_000
    assert np.abs(np.frombuffer(law.decode(bytes(heard[1000:-1000])), "<i2") - 1000).max() < 60


def test_what_was_lost_is_silence_within_a_bound(heard: bytearray) -> None:
    microphone = Microphone(heard.extend)
    for number in (*range(10), *range(20, 30)):  # 200 ms are missing
        microphone.take(frame(number))
    samples = np.frombuffer(bytes(heard), "<i2")
    assert abs(len(samples) - 30 * 480) < 1200
    assert np.abs(samples[6000:8400]).max() < 50
    before = len(heard)
    microphone.take(frame(1_000_000))
    assert len(heard) - before < (MOST_MISSING_SECONDS + 0.1) * 48_000
    before = len(heard)
    microphone.take(frame(5))  # a clock that went back
    assert len(heard) - before < 0.1 * 48_000
