"""Whisper's log-mel spectrogram of the last 8 seconds of speech, as Smart Turn was trained on it."""

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

SAMPLE_RATE = 16_000
WINDOW_SECONDS = 8
MELS = 80

_FFT = 400
_HOP = 160
_FLOOR = 1e-10
_RANGE = 8.0  # decades below the loudest that are told apart
_LINEAR_HZ = 200 / 3  # of one mel below 1 kHz; above it mels are logarithmic
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27

Floats = npt.NDArray[np.float32]
_Doubles = npt.NDArray[np.float64]


def log_mel(samples: Floats) -> Floats:
    """The spectrogram (80, 800) of the end of ``samples`` (16 kHz, -1 to 1); what is shorter has silence before it."""
    count = WINDOW_SECONDS * SAMPLE_RATE
    window = np.zeros(count, np.float64)
    if len(kept := samples[-count:]):
        window[-len(kept) :] = kept
    window = (window - window.mean()) / np.sqrt(window.var() + 1e-7)
    padded = np.pad(window, _FFT // 2, mode="reflect")
    frames = sliding_window_view(padded, _FFT)[::_HOP][:-1] * _HANN
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    loudness = np.log10(np.maximum(power @ _FILTERS, _FLOOR)).T
    loudness = np.maximum(loudness, loudness.max() - _RANGE)
    features: Floats = ((loudness + 4) / 4).astype(np.float32)
    return features


def _hertz(mels: _Doubles) -> _Doubles:
    """Slaney's scale."""
    break_mel = _BREAK_HZ / _LINEAR_HZ
    return np.where(mels < break_mel, mels * _LINEAR_HZ, _BREAK_HZ * np.exp(_LOG_STEP * (mels - break_mel)))


def _filters() -> _Doubles:
    """A triangle for each mel over the bins of the spectrum (201, 80), all of the same area."""
    top = SAMPLE_RATE / 2
    top_mel = _BREAK_HZ / _LINEAR_HZ + np.log(top / _BREAK_HZ) / _LOG_STEP
    corners = _hertz(np.linspace(0.0, top_mel, MELS + 2))
    bins = np.linspace(0.0, top, _FFT // 2 + 1)[:, np.newaxis]
    rising = (bins - corners[:-2]) / np.diff(corners)[:-1]
    falling = (corners[2:] - bins) / np.diff(corners)[1:]
    return np.maximum(0.0, np.minimum(rising, falling)) * (2 / (corners[2:] - corners[:-2]))


_HANN = np.hanning(_FFT + 1)[:-1]
_FILTERS = _filters()
