"""What is done to the PCM (s16le mono) of every engine: soft edges, chunks, another tempo at the same pitch."""

import math
from collections.abc import Iterator

import av
import numpy as np
import numpy.typing as npt

from adapters.contract import audio

CHUNK_SECONDS = 0.04
FADE_SECONDS = 0.002


def at_tempo(pcm: bytes, tempo: float, sample_rate: int) -> bytes:
    """``pcm`` at ``tempo`` (0.25 to 4; 1 is as it is) with its pitch unchanged; blocks. Raises ``av.FFmpegError``."""
    if tempo == 1 or not pcm:
        return pcm
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=sample_rate, format="s16", layout="mono")
    # One filter goes from 0.5 to 2: beyond, it leaves samples out instead of blending them.
    halves = [graph.add("atempo", f"{math.sqrt(tempo):.4f}") for _ in range(2)]
    sink = graph.add("abuffersink")
    graph.link_nodes(source, *halves, sink).configure()
    frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16)[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate = sample_rate
    graph.push(frame)
    graph.push(None)
    parts: list[bytes] = []
    while True:
        try:
            parts.append(graph.pull().to_ndarray()[0].tobytes())
        except (av.EOFError, av.BlockingIOError):
            return b"".join(parts) or pcm


def faded(pcm: bytes, sample_rate: int) -> bytes:
    """``pcm`` with a short ramp at both ends, so that clips can follow one another without a click."""
    fade = Fade(sample_rate)
    return fade.feed(pcm) + fade.end()


class Fade:
    """``faded`` for sound that comes in pieces: what it returns lags behind by a ramp."""

    def __init__(self, sample_rate: int) -> None:
        self._ramp_bytes = round(FADE_SECONDS * sample_rate) * audio.SAMPLE_BYTES
        self._held = b""
        self._begun = False

    def feed(self, pcm: bytes) -> bytes:
        """Take the next samples; returns those that are certain by now."""
        self._held += pcm
        if not self._begun:
            if len(self._held) < 2 * self._ramp_bytes:
                return b""
            self._begin(self._ramp_bytes)
        certain, self._held = self._held[: -self._ramp_bytes], self._held[-self._ramp_bytes :]
        return certain

    def end(self) -> bytes:
        """The rest; nothing may be fed after this."""
        size = self._ramp_bytes
        if not self._begun:
            size = len(self._held) // (2 * audio.SAMPLE_BYTES) * audio.SAMPLE_BYTES
            self._begin(size)
        end = len(self._held) - size
        return self._held[:end] + _ramped(self._held[end:], rising=False)

    def _begin(self, size: int) -> None:
        self._held = _ramped(self._held[:size], rising=True) + self._held[size:]
        self._begun = True


def _ramped(pcm: bytes, *, rising: bool) -> bytes:
    samples = np.frombuffer(pcm, "<i2")
    ramp = np.linspace(0, 1, len(samples), endpoint=False, dtype=np.float32)
    return (samples * (ramp if rising else ramp[::-1])).astype("<i2").tobytes()


def chunks(pcm: bytes, sample_rate: int) -> Iterator[bytes]:
    """``pcm`` in chunks of 40 ms."""
    size = round(CHUNK_SECONDS * sample_rate) * audio.SAMPLE_BYTES
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]


def of_floats(samples: npt.NDArray[np.floating]) -> bytes:
    """PCM of samples from -1 to 1; louder ones are cut off, and what is no number is silence."""
    scaled = np.clip(np.nan_to_num(samples, posinf=1, neginf=-1), -1, 1) * 32_767
    pcm: bytes = scaled.astype("<i2").tobytes()
    return pcm
