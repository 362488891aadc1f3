"""Joins the audio of utterances into one stream: the pause that the text asks for, no doubled silence, no click."""

import numpy as np
from numpy.typing import NDArray

from gateway.audio.edges import QUIET, falling, rising
from gateway.text.segmentation.punctuation import CLAUSES, SPACED_CLOSERS, TERMINATORS

SENTENCE_SECONDS = 0.3
CLAUSE_SECONDS = 0.15
"""The shortest pause after a sentence and after a clause, at normal speed."""


class UtteranceJoins:
    """For one stream of s16le mono at ``sample_rate`` Hz, spoken at ``speed`` (1.0 is normal).

    Between two utterances is the longest of three: the silence at the end of the one, that at the beginning of the
    other, and the pause after what was said. For each utterance call ``pause``, then ``feed``, then ``end``.
    """

    def __init__(self, sample_rate: int, speed: float) -> None:
        self._rate = sample_rate
        self._speed = speed
        self._ramp = rising(sample_rate)
        self._begun = False  # whether there was an utterance with sound before this one
        self._last = 0  # the last sample of the stream
        self._quiet = 0  # samples of silence that the stream ends with
        self._wanted = 0  # samples of the pause that the text asks for
        self._overlap = 0  # samples of silence that this utterance may leave out at its beginning
        self._rising = len(self._ramp)  # samples of this utterance that have passed of the ramp

    def pause(self) -> bytes:
        """What is missing of the pause before the next utterance; nothing before the first one."""
        if not self._begun:
            return b""
        fall = falling(self._last, self._rate)
        missing = max(len(fall) // 2, self._wanted - self._quiet)
        self._overlap = self._quiet + missing
        self._rising = 0
        return fall.ljust(2 * missing, b"\0")

    def feed(self, pcm: bytes) -> bytes:
        """The utterance's next samples, without silence that the pause before it holds already."""
        samples = np.frombuffer(pcm, "<i2")
        if self._overlap:
            loud = np.flatnonzero(_is_loud(samples))
            leading = int(loud[0]) if len(loud) else len(samples)
            samples = samples[min(leading, self._overlap) :]
            self._overlap = 0 if len(loud) else max(0, self._overlap - leading)
        if len(samples):
            samples = self._risen(samples)
            loud = np.flatnonzero(_is_loud(samples))
            self._quiet = len(samples) - 1 - int(loud[-1]) if len(loud) else self._quiet + len(samples)
            self._last = int(samples[-1])
            self._begun = True
        return samples.tobytes()

    def end(self, text: str) -> None:
        """The utterance ``text`` is complete."""
        last = text.rstrip().rstrip("".join(SPACED_CLOSERS)).rstrip()[-1:]
        seconds = SENTENCE_SECONDS if last in TERMINATORS else CLAUSE_SECONDS if last in CLAUSES else 0.0
        self._wanted = round(seconds / self._speed * self._rate)

    def _risen(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """``samples``, the first of an utterance raised from silence."""
        ramp = self._ramp[self._rising : self._rising + len(samples)]
        self._rising += len(ramp)
        return np.concatenate([(samples[: len(ramp)] * ramp).astype("<i2"), samples[len(ramp) :]])


def _is_loud(samples: NDArray[np.int16]) -> NDArray[np.bool_]:
    return (samples > QUIET) | (samples < -QUIET)
