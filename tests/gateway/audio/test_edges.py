"""Sound that is cut off or begins has a short ramp, and silence has none."""

import numpy as np
import pytest

from gateway.audio.edges import QUIET, falling, rising

RATE = 24_000


@pytest.mark.parametrize("last", [32_767, -32_768, 5_000, QUIET + 1])
def test_a_loud_sample_is_led_to_silence_without_a_step(last: int) -> None:
    samples = np.frombuffer(falling(last, RATE), "<i2").astype(int)
    steps = np.abs(np.diff([last, *samples]))
    assert (len(samples), samples[-1]) == (48, 0)
    assert steps.max() <= abs(last) / 47 + 1


@pytest.mark.parametrize("last", [0, QUIET, -QUIET])
def test_silence_stays_as_it_is(last: int) -> None:
    assert falling(last, RATE) == b""


@pytest.mark.parametrize("rate", [10, 8_000, 48_000])
def test_a_sound_rises_from_nothing(rate: int) -> None:
    factors = rising(rate)
    assert len(factors) == max(1, rate // 500)
    assert factors[0] == 0
    assert (np.diff(factors) > 0).all()
