"""The client's audio in a call, as the session's input: decoded frames in, bytes in the session's format out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gateway.audio.resample import Resampler
from gateway.realtime.hearing.audio_format import FORMATS, AudioFormat

RATE = 48_000
"""Hz of decoded Opus."""

MOST_MISSING_SECONDS = 2.0
"""Audio that was lost, or not sent because it was silent, becomes silence, up to this much at once."""


class Microphone:
    """Takes the frames of the client's track; ``hear`` gets their audio in the format of ``listen``."""

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        self._hear = hear
        self._format = FORMATS["audio/pcm"]
        self._resampler = Resampler(RATE, self._format.rate)
        self._expected: int | None = None  # the timestamp of the next frame

    def listen(self, audio_format: AudioFormat) -> None:
        """Give the audio in this format from now on."""
        if audio_format != self._format:
            self._format = audio_format
            self._resampler = Resampler(RATE, audio_format.rate)

    def take(self, frame: Any) -> None:
        """The next frame, an ``av.AudioFrame`` of s16 at 48 kHz; its timestamp says what is missing before it."""
        samples = np.frombuffer(frame.planes[0], "<i2", count=frame.samples * len(frame.layout.channels))
        mono = samples.reshape(frame.samples, -1).mean(axis=1).astype("<i2")
        missing = 0 if self._expected is None or frame.pts is None else frame.pts - self._expected
        silence = bytes(2 * min(max(missing, 0), round(MOST_MISSING_SECONDS * RATE)))
        self._expected = None if frame.pts is None else frame.pts + frame.samples
        if pcm := self._resampler.feed(silence + mono.tobytes()):
            self._hear(self._format.encode(pcm))
