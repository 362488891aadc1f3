"""The voice activity detector's contract: synchronous, one detector object for each audio stream."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from adapters.contract.engine import Engine


class SpeechStarted(msgspec.Struct, frozen=True, kw_only=True, tag="speech_started"):
    """Speech began ``at`` seconds from the start of the stream."""

    at: float


class SpeechStopped(msgspec.Struct, frozen=True, kw_only=True, tag="speech_stopped"):
    """Speech ended ``at`` seconds from the start of the stream."""

    at: float


Event = SpeechStarted | SpeechStopped


class Detector(Protocol):
    """The state of one audio stream."""

    def feed(self, pcm: bytes) -> list[Event]:
        """Take the next bytes (s16le mono at the engine's ``sample_rate``, any number) and return what changed."""


class VoiceActivity(Engine, Protocol):
    """A voice activity engine, which makes a detector for each stream after ``warm_up``."""

    @property
    def sample_rate(self) -> int:
        """The rate in Hz that its detectors take."""

    def detector(self) -> Detector:
        """A fresh detector."""


@runtime_checkable
class Batching(Protocol):
    """A voice activity engine that judges the audio of many streams at once, for less than one after the other."""

    def feed_many(self, blocks: Sequence[tuple[Detector, bytes]]) -> list[list[Event]]:
        """What ``feed`` returns for each of the ``blocks``; no detector is there twice, all are of this engine."""
