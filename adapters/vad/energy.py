"""The embedded voice activity detector: speech is what is louder than the background."""

import math
from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np

from adapters.contract import vad
from adapters.contract.audio import SAMPLE_BYTES
from adapters.contract.description import EngineDescription

SAMPLE_RATE = 16_000
FRAME_SECONDS = 0.02
MIN_SPEECH_SECONDS = 0.06
HANGOVER_SECONDS = 0.5
# How much louder than the background speech is, in dB.
MARGIN_DB = 12.0
# How fast the background level rises: a steady noise counts as speech for some seconds, and a long vowel always does.
RISE_DB_PER_SECOND = 5.0

# By how many dB a level must differ from that of speech for a probability of 0.73, or of 0.27.
GRADUAL_DB = 3.0

_FRAME_SAMPLES = round(FRAME_SECONDS * SAMPLE_RATE)
_FRAME_BYTES = _FRAME_SAMPLES * SAMPLE_BYTES
_MIN_FRAMES = round(MIN_SPEECH_SECONDS / FRAME_SECONDS)
_HANGOVER_FRAMES = round(HANGOVER_SECONDS / FRAME_SECONDS)


class Energy:
    """Detects speech by its energy, without a model; suited to quiet rooms."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Options of the embedded voice activity detector."""

        vad_energy_threshold_db: Annotated[
            float,
            msgspec.Meta(
                ge=-90, le=0, description="Level in dBFS, hum filtered out, below which nothing counts as speech."
            ),
        ] = -58.0

    description = EngineDescription(default=True)

    def __init__(self, options: Options) -> None:
        self._threshold = options.vad_energy_threshold_db

    @property
    def sample_rate(self) -> int:
        """16 kHz."""
        return SAMPLE_RATE

    async def warm_up(self) -> None:
        """Load nothing."""

    async def aclose(self) -> None:
        """Release nothing."""

    @property
    def window_seconds(self) -> float:
        """20 ms."""
        return FRAME_SECONDS

    def detector(self) -> "EnergyDetector":
        """A detector for one stream."""
        return EnergyDetector(self._threshold)

    def meter(self) -> "EnergyMeter":
        """The state of one stream."""
        return EnergyMeter(self._threshold)

    def measure(self, blocks: Sequence[tuple[vad.Meter, bytes]]) -> list[list[float]]:
        """The probability of speech in each frame: a half where it is as loud as the detector wants speech to be."""
        found = excesses([(meter, pcm) for meter, pcm in blocks if isinstance(meter, EnergyMeter)])
        return [[0.5 + 0.5 * math.tanh(excess / (2 * GRADUAL_DB)) for excess in each] for each in found]


class EnergyMeter:
    """The background of one stream, and its audio that fills no frame yet."""

    def __init__(self, threshold_db: float) -> None:
        self.last_sample = 0.0
        self._threshold = threshold_db
        self._background = threshold_db - MARGIN_DB
        self._pending = bytearray()

    def take(self, pcm: bytes) -> bytes:
        """The frames that are whole with the next audio: a stream is judged the same however it is split."""
        self._pending += pcm
        whole = len(self._pending) // _FRAME_BYTES * _FRAME_BYTES
        frames = bytes(self._pending[:whole])
        del self._pending[:whole]
        return frames

    def excess(self, level: float) -> float:
        """By how many dB the next frame, at ``level``, is louder than the least of speech."""
        self._background = min(level, self._background + RISE_DB_PER_SECOND * FRAME_SECONDS)
        return level - max(self._threshold, self._background + MARGIN_DB)


def excesses(blocks: Sequence[tuple[EnergyMeter, bytes]]) -> list[list[float]]:
    """By how many dB each frame that the ``blocks`` complete is louder than the least of speech, by stream."""
    taken = [meter.take(pcm) for meter, pcm in blocks]
    samples = np.frombuffer(b"".join(taken), "<i2").astype(np.float64) / 32_768
    # The difference of neighbouring samples removes the offset and most hum, and keeps speech.
    differences = np.diff(samples, prepend=0.0)
    start = 0
    for (meter, _), frames in zip(blocks, taken, strict=True):
        if frames:
            differences[start] = samples[start] - meter.last_sample
            start += len(frames) // SAMPLE_BYTES
            meter.last_sample = float(samples[start - 1])
    power = np.mean(differences.reshape(-1, _FRAME_SAMPLES) ** 2, axis=1)
    levels = iter((10 * np.log10(power + 1e-12)).tolist())
    return [
        [meter.excess(next(levels)) for _ in range(len(frames) // _FRAME_BYTES)]
        for (meter, _), frames in zip(blocks, taken, strict=True)
    ]


class EnergyDetector:
    """Tells starts and stops of speech from the frames that are loud."""

    def __init__(self, threshold_db: float) -> None:
        self._meter = EnergyMeter(threshold_db)
        self._frames = 0
        self._loud = 0
        self._quiet = 0
        self._speaking = False

    def feed(self, pcm: bytes) -> list[vad.Event]:
        """Take s16le mono at 16 kHz; a start of speech is reported after 60 ms, an end after 500 ms."""
        events: list[vad.Event] = []
        for excess in excesses([(self._meter, pcm)])[0]:
            self._frames += 1
            event = self._classify(excess > 0)
            if event is not None:
                events.append(event)
        return events

    def _classify(self, loud: bool) -> vad.Event | None:
        self._loud, self._quiet = (self._loud + 1, 0) if loud else (0, self._quiet + 1)
        if not self._speaking and self._loud >= _MIN_FRAMES:
            self._speaking = True
            return vad.SpeechStarted(at=(self._frames - self._loud) * FRAME_SECONDS)
        if self._speaking and self._quiet >= _HANGOVER_FRAMES:
            self._speaking = False
            return vad.SpeechStopped(at=(self._frames - self._quiet) * FRAME_SECONDS)
        return None
