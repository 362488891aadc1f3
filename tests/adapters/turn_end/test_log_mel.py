"""The spectrogram against Whisper's own."""

import numpy as np
import numpy.typing as npt
import pytest

from adapters.turn_end.log_mel import SAMPLE_RATE, WINDOW_SECONDS, log_mel

SAMPLES = WINDOW_SECONDS * SAMPLE_RATE


def noise(count: int) -> npt.NDArray[np.float32]:
    """A tone that swells in noise."""
    draw = np.random.default_rng(7)
    times = np.arange(count) / SAMPLE_RATE
    found: npt.NDArray[np.float32] = (
        0.3 * np.sin(2 * np.pi * 300 * times) * times / 8 + draw.normal(0, 0.02, count)
    ).astype(np.float32)
    return found


@pytest.mark.parametrize("count", [0, 1, 8_000, SAMPLES, SAMPLES + 50_000])
def test_it_is_whispers_of_the_last_eight_seconds(count: int) -> None:
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    extractor = transformers.WhisperFeatureExtractor(chunk_length=WINDOW_SECONDS)
    samples = noise(count)
    padded = np.pad(samples[-SAMPLES:], (SAMPLES - len(samples[-SAMPLES:]), 0))
    expected = extractor(padded, sampling_rate=SAMPLE_RATE, return_tensors="np", do_normalize=True).input_features[0]
    features = log_mel(samples)
    assert features.shape == expected.shape == (80, 800)
    assert features.dtype == np.float32
    assert np.abs(features - expected).max() < 1e-4
