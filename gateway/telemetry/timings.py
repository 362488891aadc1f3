"""Measures a turn: when each stage was reached, in seconds."""

import time
from typing import Literal

import msgspec

Stage = Literal["stt_done", "llm_first_token", "tts_request", "tts_first_audio"]


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of one turn; ``None`` for a stage that was not reached.

    ``stt``: from the start until the transcript was complete. ``llm_first``: from there to the model's first content.
    ``tts_first``: from the first utterance given to synthesis to its first samples. ``first_audio``: from the start
    until those samples. ``total``: from the start until now.
    """

    stt: float | None
    llm_first: float | None
    tts_first: float | None
    first_audio: float | None
    total: float

    def __str__(self) -> str:
        """For the log: every stage in milliseconds."""
        stages = {name: getattr(self, name) for name in self.__struct_fields__}
        return " ".join(f"{name}={seconds * 1000:.1f}ms" for name, seconds in stages.items() if seconds is not None)


class Stopwatch:
    """Marks the stages of one turn, each once; later marks of the same stage do not count."""

    def __init__(self) -> None:
        self._marks: dict[str, float] = {"start": time.perf_counter()}

    def mark(self, stage: Stage) -> None:
        """Note that ``stage`` was reached now, if it was not before."""
        self._marks.setdefault(stage, time.perf_counter())

    def _between(self, earlier: str, later: str) -> float | None:
        if earlier not in self._marks or later not in self._marks:
            return None
        return self._marks[later] - self._marks[earlier]

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._marks["start"]

    def timings(self) -> Timings:
        """What is known by now."""
        return Timings(
            stt=self._between("start", "stt_done"),
            llm_first=self._between("stt_done" if "stt_done" in self._marks else "start", "llm_first_token"),
            tts_first=self._between("tts_request", "tts_first_audio"),
            first_audio=self._between("start", "tts_first_audio"),
            total=self.elapsed,
        )
