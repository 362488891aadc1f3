"""Speaks phrases in batches, in one thread: several at once would only wait for the same processors."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec

from adapters.blocking import Ended
from adapters.contract.errors import UpstreamError
from adapters.local.device_errors import is_device_lost
from adapters.tts.transformers.voices import ADAPTER, Chosen

BATCH = 8
"""Phrases that are computed at once."""

Outcome = tuple[int, bytes | Exception | Ended]


class PhraseJob(msgspec.Struct, frozen=True, kw_only=True):
    """Who says what, and how fast."""

    text: str
    speed: float
    chosen: Chosen


class Voice(Protocol):
    """A loaded model."""

    def speak(self, texts: list[str], speed: float, speaker: int) -> list[bytes]:
        """The samples of each text."""


class PhraseBatch:
    """Speaks the phrase that came first, with those that the same speaker says as fast and that are about as long."""

    def __init__(self, voices: Mapping[str, Voice]) -> None:
        self._voices = voices
        self._waiting: dict[int, PhraseJob] = {}

    def add(self, key: int, job: PhraseJob) -> None:
        """Add a phrase; nothing is computed yet."""
        self._waiting[key] = job

    def drop(self, key: int) -> None:
        """Remove a phrase."""
        del self._waiting[key]

    def step(self) -> Iterator[Outcome]:
        """Speak one batch. Raises when the device is lost."""
        keys = self._next()
        jobs = [self._waiting.pop(key) for key in keys]
        yield from self._spoken(keys, jobs)

    def close(self) -> None:
        """Release the models."""
        del self._voices

    def _next(self) -> list[int]:
        first = next(iter(self._waiting.values()))
        # What is much shorter would be computed at the length of the longest.
        alike = [
            key
            for key, job in self._waiting.items()
            if (job.chosen, job.speed) == (first.chosen, first.speed)
            and len(first.text) <= 2 * len(job.text) <= 4 * len(first.text)
        ]
        return alike[:BATCH]

    def _spoken(self, keys: list[int], jobs: list[PhraseJob]) -> Iterator[Outcome]:
        first = jobs[0]
        try:
            spoken = self._voices[first.chosen.model].speak(
                [job.text for job in jobs], first.speed, first.chosen.speaker
            )
        except Exception as error:  # a failure is passed to the reader of the phrase that it belongs to
            if is_device_lost(error):
                raise
            if len(keys) > 1:
                for key, job in zip(keys, jobs, strict=True):
                    yield from self._spoken([key], [job])
            else:
                yield keys[0], UpstreamError(f"The speech model failed ({type(error).__name__}).", adapter=ADAPTER)
            return
        for key, pcm in zip(keys, spoken, strict=True):
            yield key, pcm
            yield key, Ended()
