"""Adds to the library's PCM what it cannot do itself: very slow speech and soft edges."""

from collections.abc import Iterator

import av
import numpy as np

from adapters.contract import audio

SAMPLE_RATE = 22_050
CHUNK_SECONDS = 0.04
FADE_SECONDS = 0.002


def slow_down(pcm: bytes, tempo: float) -> bytes:
    """``pcm`` stretched to ``tempo`` (0.5 to 1) at the same pitch; blocks. Raises ``av.FFmpegError``."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=SAMPLE_RATE, format="s16", layout="mono")
    stretching = graph.add("atempo", f"{tempo:.4f}")
    sink = graph.add("abuffersink")
    graph.link_nodes(source, stretching, sink).configure()
    frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16)[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    graph.push(frame)
    graph.push(None)
    parts: list[bytes] = []
    while True:
        try:
            parts.append(graph.pull().to_ndarray()[0].tobytes())
        except (av.EOFError, av.BlockingIOError):
            return b"".join(parts) or pcm


def faded(pcm: bytes) -> bytes:
    """``pcm`` with a short ramp at both ends, so that clips can follow one another without a click."""
    samples = np.frombuffer(pcm, "<i2").copy()
    length = min(round(FADE_SECONDS * SAMPLE_RATE), len(samples) // 2)
    ramp = np.linspace(0, 1, length, endpoint=False, dtype=np.float32)
    samples[:length] = samples[:length] * ramp
    samples[len(samples) - length :] = samples[len(samples) - length :] * ramp[::-1]
    return samples.tobytes()


def chunks(pcm: bytes) -> Iterator[bytes]:
    """``pcm`` in chunks of 40 ms."""
    size = round(CHUNK_SECONDS * SAMPLE_RATE) * audio.SAMPLE_BYTES
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]
