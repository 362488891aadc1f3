"""Synthesises one utterance into PCM, and adds what the library cannot do: very slow speech and soft edges."""

from collections.abc import Iterator

import av
import numpy as np
import numpy.typing as npt

from adapters.contract import audio
from adapters.tts.espeak import library

SAMPLE_RATE = 22_050
CHUNK_SECONDS = 0.04
FADE_SECONDS = 0.002

_Samples = npt.NDArray[np.int16]


def synthesise(text: str, voice: str, speed: float) -> bytes:
    """``text`` as s16le mono at 22,050 Hz; blocks. Raises ``LibraryError`` and ``av.FFmpegError``."""
    # A zero byte would end the text.
    samples = np.frombuffer(library.synthesise(text.replace("\0", " "), voice, speed), np.int16)
    tempo = library.stretch(speed)
    if tempo < 1:
        samples = _slow_down(samples, tempo)
    return _faded(samples).astype("<i2").tobytes()


def chunks(pcm: bytes) -> Iterator[bytes]:
    """``pcm`` in chunks of 40 ms."""
    size = round(CHUNK_SECONDS * SAMPLE_RATE) * audio.SAMPLE_BYTES
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]


def _slow_down(samples: _Samples, tempo: float) -> _Samples:
    """Stretch speech to ``tempo`` (0.5 to 1) at the same pitch."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=SAMPLE_RATE, format="s16", layout="mono")
    stretching = graph.add("atempo", f"{tempo:.4f}")
    sink = graph.add("abuffersink")
    graph.link_nodes(source, stretching, sink).configure()
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    graph.push(frame)
    graph.push(None)
    parts = []
    while True:
        try:
            parts.append(graph.pull().to_ndarray()[0])
        except (av.EOFError, av.BlockingIOError):
            return np.concatenate(parts) if parts else samples


def _faded(samples: _Samples) -> npt.NDArray[np.float32]:
    """The clip with a short ramp at both ends, so that clips can follow one another without a click."""
    length = min(round(FADE_SECONDS * SAMPLE_RATE), len(samples) // 2)
    ramp = np.linspace(0, 1, length, endpoint=False, dtype=np.float32)
    faded = samples.astype(np.float32)
    faded[:length] *= ramp
    faded[len(faded) - length :] *= ramp[::-1]
    return faded
