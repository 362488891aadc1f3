"""The state of one audio stream: its windows for the model, and the starts and stops of speech in them."""

from collections.abc import Iterator, Sequence

import numpy as np

from adapters.contract import vad
from adapters.contract.audio import SAMPLE_BYTES
from adapters.vad.silero.model import CONTEXT, SAMPLE_RATE, STATE, WINDOW, Floats, SileroModel

WINDOW_SECONDS = WINDOW / SAMPLE_RATE
START_WINDOWS = 2
"""Windows with speech before it counts as a start: a click fills one at most."""

STOP_WINDOWS = 16
"""Windows without speech before it counts as a stop: half a second."""

HYSTERESIS = 0.15
"""By how much the probability must fall below the threshold before a window of running speech is without speech."""

_BYTES = WINDOW * SAMPLE_BYTES


class SileroMeter:
    """What the model needs to know of one stream: the samples before its next window, and its state."""

    def __init__(self) -> None:
        self.context = bytes(CONTEXT * SAMPLE_BYTES)
        self.state: Floats = np.zeros(STATE, np.float32)
        self._pending = bytearray()

    def take(self, pcm: bytes) -> list[bytes]:
        """The windows that are complete with the next s16le mono at 16 kHz."""
        self._pending += pcm
        whole = len(self._pending) // _BYTES * _BYTES
        windows = [bytes(self._pending[start : start + _BYTES]) for start in range(0, whole, _BYTES)]
        del self._pending[:whole]
        return windows


def judge(model: SileroModel, meters: Sequence[SileroMeter], windows: Sequence[bytes], gate: float) -> list[float]:
    """The probability of speech in the next window of each stream; the model gets those that are loud, in one run.

    A window is loud when the level of the differences of its samples, 0 to 1, reaches ``gate``: differences leave out
    hum and offsets.
    """
    spans = b"".join([meter.context + window for meter, window in zip(meters, windows, strict=True)])
    samples = np.frombuffer(spans, "<i2").reshape(len(meters), CONTEXT + WINDOW).astype(np.float32)
    differences = samples[:, CONTEXT + 1 :] - samples[:, CONTEXT:-1]
    powers: list[float] = np.einsum("ij,ij->i", differences, differences).tolist()
    least = (gate * 32_768) ** 2 * (WINDOW - 1)
    found = [0.0] * len(meters)
    if loud := [row for row, power in enumerate(powers) if power >= least]:
        states = np.stack([meters[row].state for row in loud])
        probabilities, states = model.speech(samples[loud] / np.float32(32_768), states)
        for row, probability, state in zip(loud, probabilities.tolist(), states, strict=True):
            found[row] = probability
            meters[row].state = state.copy()  # a view would keep the states of the whole batch
    for meter, window in zip(meters, windows, strict=True):
        meter.context = window[-CONTEXT * SAMPLE_BYTES :]
    return found


class SileroDetector:
    """Tells starts and stops of speech from the probabilities of the windows."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._windows = 0
        self._speech = 0
        self._silence = 0
        self._speaking = False

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
