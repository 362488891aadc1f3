"""Recordings of every kind, and files that are none."""

import io
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np
import soundfile


def sound(samples: Any, rate: int = 16_000, container: str = "WAV", subtype: str = "PCM_16") -> bytes:
    """A file that soundfile writes; several columns are several channels."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype)
    return file.getvalue()


def tone(seconds: float, rate: int) -> Any:
    """A sine of 440 Hz at about a third of full scale, as int16."""
    return (np.sin(np.arange(round(seconds * rate)) / rate * 2 * np.pi * 440) * 0.3 * 32767).astype("<i2")


def encoded(
    container: str, codec: Any, *, layout: str = "mono", rate: int = 16_000, seconds: float = 1, **options: str
) -> bytes:
    """The tone, the same in every channel, as FFmpeg encodes it; ``options`` are those of the container."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=rate, options={"strict": "experimental"})
        stream.layout = layout
        channels = stream.codec_context.layout.nb_channels
        frame = av.AudioFrame.from_ndarray(np.repeat(tone(seconds, rate), channels)[None], "s16", layout)
        frame.sample_rate, frame.pts = rate, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def packets(container: str, codec: Any, payloads: list[bytes], rate: int = 16_000) -> bytes:
    """A file with these packets, each of which is one sample long."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        stream.layout = "mono"
        for number, payload in enumerate(payloads):
            packet = av.Packet(payload)
            packet.stream = stream
            packet.pts = packet.dts = number
            packet.time_base = Fraction(1, rate)
            output.mux(packet)
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
    return encoded("ipod", "aac", seconds=3)


@cache
def crashing() -> bytes:
    """A valid recording with eight channels, on which PyAV frees memory twice."""
    return encoded("caf", "pcm_s16le", layout="7.1")


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
