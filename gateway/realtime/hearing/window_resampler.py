"""Brings windows of many streams to the rate of the voice activity detector, all in one pass and without delay.

Voice activity must not wait for the long filter of ``gateway/audio/resample.py``, and a call for each of hundreds of
streams would cost more than the work in it. This filter looks 0.8 ms ahead.
"""

from math import gcd

import numpy as np
import numpy.typing as npt

WINDOW_MS = 32
"""The length of a window."""

Samples = npt.NDArray[np.float32]

_HALF_LOBES = 10
"""Zero crossings of the filter on each side, at the lower of the two rates."""

_STEPS = 16
"""Steps of the filter in one product."""

_BETA = 6.0  # of the Kaiser window: 60 dB
_CUTOFF = 0.92  # of half the lower rate


class WindowResampler:
    """From ``source_rate`` to ``target_rate`` (Hz), at which a window must be a whole number of samples.

    Raises ``ValueError`` for rates at which it is not.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        if source_rate * WINDOW_MS % 1000 or target_rate * WINDOW_MS % 1000:
            raise ValueError(f"{WINDOW_MS} ms are no whole number of samples at {source_rate} and {target_rate} Hz")
        common = gcd(source_rate, target_rate)
        self.window = source_rate * WINDOW_MS // 1000
        up, down = target_rate // common, source_rate // common
        phases = _phases(up, down)
        self.history = len(phases) - down
        """Samples before a window that are needed with it."""
        # Some steps of the filter as one matrix: the product copies each sample twice instead of once for each step.
        steps = gcd(self.window // down, _STEPS)
        self._stride = steps * down
        self._matrix = np.zeros((self.history + self._stride, steps * up), np.float32)
        for step in range(steps):
            rows = slice(step * down, step * down + len(phases))
            self._matrix[rows, step * up : (step + 1) * up] = phases

    def resample(self, spans: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """Windows at the target rate, of any streams: each of the ``spans`` is its ``history`` and the window.

        A window comes late by half of the ``history``.
        """
        samples = spans.astype(np.float32)
        row, sample = samples.strides
        blocks: Samples = np.ndarray(
            (len(samples), self.window // self._stride, len(self._matrix)),
            np.float32,
            samples,
            strides=(row, self._stride * sample, sample),
        )
        # A product for each span: a larger one would wake the threads of BLAS, which then wait by spinning.
        product = np.ascontiguousarray(blocks) @ self._matrix
        clipped: npt.NDArray[np.int16] = np.rint(product).clip(-32_768, 32_767).astype("<i2")
        return clipped.reshape(len(spans), -1)


def _phases(up: int, down: int) -> Samples:
    """The filter as a matrix: ``down`` samples on, ``up`` samples come of the product with those around them."""
    if up == down == 1:
        return np.ones((1, 1), np.float32)
    # Times in samples of the source; the filter is the same for each output, moved to where that lies.
    lobe = max(1.0, down / up) / _CUTOFF
    reach = int(np.ceil(_HALF_LOBES * lobe))
    length = 2 * reach + down
    taps = np.arange(length)[:, np.newaxis] - (reach + np.arange(up)[np.newaxis] * down / up)
    shape = np.sinc(taps / lobe) * np.where(
        np.abs(taps) <= reach, np.i0(_BETA * np.sqrt(np.maximum(0.0, 1 - (taps / reach) ** 2))), 0.0
    )
    phases: Samples = (shape / shape.sum(axis=0)).astype(np.float32)
    return phases
