"""Change the sample rate of a stream of PCM without a seam between its blocks."""

import numpy as np
import soxr
from numpy.typing import NDArray


class Resampler:
    """One stream of s16le mono PCM from ``source_rate`` to ``target_rate`` (Hz); equal rates pass through untouched.

    The filter looks about 40 ms ahead, so the first blocks may give ``b""``; ``finish`` gives the rest. Peaks that the
    filter pushes over full scale are clipped. Not thread-safe; one instance per stream.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        same = source_rate == target_rate
        self._stream = None if same else soxr.ResampleStream(source_rate, target_rate, 1, dtype="int16")

    def feed(self, pcm: bytes) -> bytes:
        """Take the next samples (whole ones) and give those that are ready, maybe none."""
        return self._process(pcm, last=False)

    def finish(self) -> bytes:
        """The last samples; call it once, and nothing after it."""
        return self._process(b"", last=True)

    def _process(self, pcm: bytes, *, last: bool) -> bytes:
        if self._stream is None:
            return pcm
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.int16, copy=False)
        resampled: NDArray[np.int16] = self._stream.resample_chunk(samples, last=last)
        return resampled.astype("<i2", copy=False).tobytes()
