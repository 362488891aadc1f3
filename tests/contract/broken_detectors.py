"""Voice activity detectors that break the contract in one way each, and the rig for them."""

import struct
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
        self.pending += pcm
        whole = len(self.pending) // 2 * 2
        samples = struct.unpack(f"<{whole // 2}h", self.pending[:whole])
        self.pending = self.pending[whole:]
        return [event for sample in samples if (event := self.judge(sample)) is not None]

    def judge(self, sample: int) -> vad.Event | None:
        at = self.samples / RATE
        self.samples += 1
        if bool(sample) == self.speaking:
            return None
        self.speaking = bool(sample)
        return vad.SpeechStarted(at=at) if sample else vad.SpeechStopped(at=at)


class Blockwise(Detector):
    """Drops what does not fill a sample."""

    def feed(self, pcm: bytes) -> list[vad.Event]:
        self.pending = b""
        return super().feed(pcm)


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
    """Makes detectors of one class."""

    sample_rate = RATE

    def __init__(self, kind: type[Detector]) -> None:
        Shared.state.clear()
        self.detector = kind

    async def warm_up(self) -> None: ...

    async def aclose(self) -> None: ...


class Rig:
    """The rig of a detector above."""

    def __init__(self, kind: type[Detector]) -> None:
        self.engine: vad.VoiceActivity = Engine(kind)

    def speech(self) -> bytes:
        silence, tone = bytes(2 * RATE), b"\1\1" * RATE
        return silence + tone + silence + tone + silence
