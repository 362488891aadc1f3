"""Resampling has no seams, loses nothing and clips."""

import numpy as np
import pytest

from gateway.audio.resample import Resampler


def tone(rate: int, *, amplitude: float = 9000, seconds: float = 1.0) -> bytes:
    return np.rint(np.sin(np.arange(int(rate * seconds)) / rate * 2 * np.pi * 440) * amplitude).astype("<i2").tobytes()


def resampled(pcm: bytes, source: int, target: int, step: int) -> bytes:
    resampler = Resampler(source, target)
    blocks = [resampler.feed(pcm[start : start + step]) for start in range(0, len(pcm), step)]
    return b"".join(blocks) + resampler.finish()


def test_equal_rates_pass_through_untouched() -> None:
    pcm = tone(16_000)
    assert resampled(pcm, 16_000, 16_000, 320) == pcm


@pytest.mark.parametrize(("source", "target"), [(22_050, 24_000), (48_000, 16_000), (8_000, 24_000)])
def test_blocks_join_without_a_click(source: int, target: int) -> None:
    samples = np.frombuffer(resampled(tone(source), source, target, source // 50 * 2), "<i2").astype(float)
    assert abs(len(samples) - target) <= 1
    expected = np.sin(np.arange(len(samples)) / target * 2 * np.pi * 440) * 9000
    inner = slice(target // 20, -target // 20)
    assert np.abs(samples - expected)[inner].max() < 60


def test_full_scale_is_clipped_and_not_wrapped() -> None:
    square = np.where(np.arange(8000) // 20 % 2, 32767, -32768).astype("<i2").tobytes()
    samples = np.frombuffer(resampled(square, 8_000, 24_000, 800), "<i2").astype(int)
    # The overshoot of the filter would jump to the other sign inside a half-wave of 60 samples.
    crossings = np.count_nonzero(np.diff(np.sign(samples)))
    assert abs(crossings - 399) <= 2


def test_nothing_in_gives_nothing_out() -> None:
    assert resampled(b"", 8_000, 16_000, 2) == b""
