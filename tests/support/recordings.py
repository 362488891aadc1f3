"""Recordings, and files that are none, each made once."""

import io
from functools import cache
from typing import Any

import av
import numpy as np
import soundfile


def sound(samples: Any, rate: int = 16_000, container: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype="PCM_16")
    return file.getvalue()


@cache
def noise() -> bytes:
    """One second so faint that nobody could speak in it."""
    return sound(np.random.default_rng(1).integers(-8, 9, 16_000).astype("<i2"))


@cache
def hours() -> bytes:
    """Two hours of silence in 200 KB."""
    return sound(np.zeros(2 * 3600 * 8_000, "<i2"), 8_000, "FLAC")


@cache
def m4a() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="ipod") as output:
        stream = output.add_stream("aac", rate=16_000)
        stream.layout = "mono"
        for start in range(0, 48_000, 1024):
            wave = (np.sin(np.arange(start, start + 1024) / 8) * 9000).astype("<i2")
            frame = av.AudioFrame.from_ndarray(wave[None], "s16", "mono")
            frame.sample_rate, frame.pts = 16_000, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


@cache
def png() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="image2pipe") as output:
        stream = output.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "rgb24"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), "rgb24")))
        output.mux(stream.encode(None))
    return file.getvalue()


def cut(data: bytes, part: float = 0.5) -> bytes:
    return data[: round(len(data) * part)]
