"""Voice activity detectors that break the contract in one way each, and the rig for them."""

import struct
from collections.abc import Sequence
from typing import Any

from adapters.contract import vad

RATE = 1_000


class Detector:
    """A correct one: somebody speaks where a sample is not zero."""

    def __init__(self) -> None:
        self.pending = b""
        self.samples = 0
        self.speaking = False

    def feed(self, pcm: bytes) -> list[vad.Event]:
        return [event for sample in self.take(pcm) if (event := self.judge(sample)) is not None]

    def measured(self, pcm: bytes) -> list[float]:
        return [float(bool(sample)) for sample in self.take(pcm)]

    def take(self, pcm: bytes) -> tuple[int, ...]:
        self.pending += pcm
        whole = len(self.pending) // 2 * 2
        samples = struct.unpack(f"<{whole // 2}h", self.pending[:whole])
        self.pending = self.pending[whole:]
        return samples

    def judge(self, sample: int) -> vad.Event | None:
        at = self.samples / RATE
        self.samples += 1
        if bool(sample) == self.speaking:
            return None
        self.speaking = bool(sample)
        return vad.SpeechStarted(at=at) if sample else vad.SpeechStopped(at=at)


class Blockwise(Detector):
    """Drops what does not fill a sample."""

    def take(self, pcm: bytes) -> tuple[int, ...]:
        self.pending = b""
        return super().take(pcm)


class Percentages(Detector):
    """Measures in percent."""

    def measured(self, pcm: bytes) -> list[float]:
        return [probability * 100 for probability in super().measured(pcm)]


class Deaf(Detector):
    """Measures silence only."""

    def measured(self, pcm: bytes) -> list[float]:
        return [0.0] * len(self.take(pcm))


class Sparing(Detector):
    """Measures speech only."""

    def measured(self, pcm: bytes) -> list[float]:
        return [probability for probability in super().measured(pcm) if probability]


class Repeating(Detector):
    """Reports a stop as another start."""

    def judge(self, sample: int) -> vad.Event | None:
        event = super().judge(sample)
        return vad.SpeechStarted(at=event.at) if event else None


class Foreseeing(Detector):
    """Reports times that have not come yet."""

    def judge(self, sample: int) -> vad.Event | None:
        event = super().judge(sample)
        return type(event)(at=event.at + 1) if event else None


class Forgetting(Detector):
    """Counts its time from the last event."""

    def judge(self, sample: int) -> vad.Event | None:
        event = super().judge(sample)
        if event:
            self.samples = 0
        return event


class Hearing(Detector):
    """Hears something in silence."""

    def feed(self, pcm: bytes) -> list[vad.Event]:
        events = super().feed(pcm)
        if self.samples > 2 * RATE and not self.speaking and not events:
            self.speaking = True
            return [vad.SpeechStarted(at=self.samples / RATE)]
        return events


class Shared(Detector):
    """Keeps its state in one place for all streams."""

    state: dict[str, Any] = {}  # noqa: RUF012 - that is the fault

    def feed(self, pcm: bytes) -> list[vad.Event]:
        vars(self).update(self.state)
        events = super().feed(pcm)
        self.state.update(vars(self))
        return events


class Engine:
    """Makes detectors of one class, which also measure: each sample is a window."""

    sample_rate = RATE
    window_seconds = 1 / RATE

    def __init__(self, kind: type[Detector]) -> None:
        Shared.state.clear()
        self.detector = self.meter = kind

    def measure(self, blocks: Sequence[tuple[vad.Meter, bytes]]) -> list[list[float]]:
        return [meter.measured(pcm) for meter, pcm in blocks if isinstance(meter, Detector)]

    async def warm_up(self) -> None: ...

    async def aclose(self) -> None: ...


class Rig:
    """The rig of a detector above."""

    def __init__(self, kind: type[Detector]) -> None:
        self.engine: vad.VoiceActivity = Engine(kind)

    def speech(self) -> bytes:
        silence, tone = bytes(2 * RATE), b"\1\1" * RATE
        return silence + tone + silence + tone + silence
