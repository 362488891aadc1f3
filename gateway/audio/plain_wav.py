"""Reads the WAV files that most programs write in Python alone, so that no foreign decoder sees them."""

import struct
from collections.abc import Iterator

import msgspec
import numpy as np

from gateway.audio import sniff

_MOST_BESIDE_SAMPLES = 1024
"""Bytes of a plain WAV that may be something else than samples."""

_MOST_CHUNKS = 16
"""Chunks before the samples of a plain WAV."""


class PlainWav(msgspec.Struct, frozen=True, kw_only=True):
    """16 bit PCM, mono or stereo, at ``sample_rate`` Hz. The work of decoding it is bounded by its size in bytes."""

    sample_rate: int
    channels: int
    samples: memoryview

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """The sample rate with s16le mono, the average of both channels, a second at a time."""
        step = self.sample_rate * self.channels
        samples = np.frombuffer(self.samples, "<i2")
        for start in range(0, len(samples), step):
            block = samples[start : start + step]
            if self.channels == 2:
                block = np.rint(block.reshape(-1, 2).mean(axis=1)).astype("<i2")
            yield self.sample_rate, block.tobytes()


def plain_wav(data: bytes) -> PlainWav | None:
    """``data`` as plain WAV, at 8 kHz or more and with little beside the samples; ``None`` if it is anything else.

    Where the declared length is a placeholder, or more than there is, the samples reach to the end of the file.
    """
    if len(data) < 36 or (data[:4], data[8:16]) != (b"RIFF", b"WAVEfmt "):
        return None
    size, codec, channels, rate, _, frame_bytes, bits = struct.unpack_from("<IHHIIHH", data, 16)
    usual = size >= 16 and (codec, bits) == (1, 16) and channels in {1, 2} and frame_bytes == 2 * channels
    chunk = sniff.sound_chunk(data, most_parts=_MOST_CHUNKS)
    if not usual or not 8_000 <= rate <= 768_000 or chunk is None:
        return None
    start, declared = chunk
    samples = memoryview(data)[start : start + declared]
    if len(data) - len(samples) > _MOST_BESIDE_SAMPLES:
        return None
    return PlainWav(sample_rate=rate, channels=channels, samples=samples[: len(samples) // frame_bytes * frame_bytes])
