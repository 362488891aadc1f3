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


class Meter(Protocol):
    """The state of one audio stream whose windows an engine measures; only that engine knows what is in it."""


@runtime_checkable
class Metering(Protocol):
    """A voice activity engine that says how likely speech is, window by window, for many streams in one call."""

    @property
    def window_seconds(self) -> float:
        """The length of a window."""

    def meter(self) -> Meter:
        """The state of a fresh stream."""

    def measure(self, blocks: Sequence[tuple[Meter, bytes]]) -> list[list[float]]:
        """The probability of speech, 0 to 1, in each window that each of the ``blocks`` completes.

        A block is a stream and its next bytes (s16le mono at the engine's ``sample_rate``, any number). No stream is
        there twice; all are of this engine.
        """
