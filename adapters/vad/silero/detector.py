"""The state of one audio stream: cuts it into windows, leaves quiet ones to the gate, and tells starts and stops."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from adapters.contract import vad
from adapters.contract.audio import SAMPLE_BYTES
from adapters.vad.silero.model import CONTEXT, SAMPLE_RATE, STATE, WINDOW, Floats

WINDOW_SECONDS = WINDOW / SAMPLE_RATE
START_WINDOWS = 2
"""Windows with speech before it counts as a start: a click fills one at most."""

STOP_WINDOWS = 16
"""Windows without speech before it counts as a stop: half a second."""

HYSTERESIS = 0.15
"""By how much the probability must fall below the threshold before a window of running speech is without speech."""

_BYTES = WINDOW * SAMPLE_BYTES


class SileroDetector:
    """What is known of one stream. The engine feeds it, alone or together with others."""

    def __init__(self, threshold: float, gate_db: float) -> None:
        self._threshold = threshold
        self._gate = 10 ** (gate_db / 20)
        self._pending = bytearray()
        self._context: Floats = np.zeros(CONTEXT, np.float32)
        self.state: Floats = np.zeros(STATE, np.float32)
        self._windows = 0
        self._speech = 0
        self._silence = 0
        self._speaking = False

    def take(self, pcm: bytes) -> Iterator[Floats | vad.Event]:
        """The windows that the model is to judge, each with its context, and the events of those that need no model.

        After each window ``judged`` must be called before the next one is taken.
        """
        self._pending += pcm
        while len(self._pending) >= _BYTES:
            taken = np.frombuffer(bytes(self._pending[:_BYTES]), "<i2")
            samples: Floats = (taken / 32_768).astype(np.float32)
            del self._pending[:_BYTES]
            window = np.concatenate([self._context, samples])
            self._context = samples[-CONTEXT:]
            if self._is_quiet(samples):
                yield from self.judged(0.0)
            else:
                yield window

    def judged(self, probability: float) -> Iterator[vad.Event]:
        """What a window with this ``probability`` of speech changes; at most one event."""
        self._windows += 1
        threshold = self._threshold - HYSTERESIS if self._speaking else self._threshold
        is_speech = probability >= threshold
        self._speech, self._silence = (self._speech + 1, 0) if is_speech else (0, self._silence + 1)
        if not self._speaking and self._speech >= START_WINDOWS:
            self._speaking = True
            yield vad.SpeechStarted(at=(self._windows - self._speech) * WINDOW_SECONDS)
        elif self._speaking and self._silence >= STOP_WINDOWS:
            self._speaking = False
            yield vad.SpeechStopped(at=(self._windows - self._silence) * WINDOW_SECONDS)

    def _is_quiet(self, samples: npt.NDArray[np.float32]) -> bool:
        """Whether a window is too quiet for speech; the difference of neighbours leaves out hum and offsets."""
        difference = np.diff(samples)
        return bool(np.sqrt(np.dot(difference, difference) / len(difference)) < self._gate)
