"""Measures a turn: when each stage was reached, in seconds."""

import time
from typing import Literal

import msgspec

_SPANS = {
    "stt": ("start", "stt_done"),
    "llm_first": ("heard", "llm_first_token"),
    "llm": ("heard", "llm_done"),
    "first_clause": ("llm_first_token", "tts_request"),
    "tts_first": ("tts_request", "tts_first_audio"),
    "tts": ("tts_request", "tts_done"),
    "first_audio": ("start", "tts_first_audio"),
}
"""Between which marks the ``Timings`` lie; ``heard`` is the end of recognition, or the start without one."""

Stage = Literal["stt_done", "llm_first_token", "llm_done", "tts_request", "tts_first_audio", "tts_done"]


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of one turn; ``None`` for a stage that was not reached.

    ``stt``: from the start until the transcript was complete. ``llm_first``, ``llm``: from there to the model's first
    content, and to the end of its answer. ``first_clause``: from the first content to the first utterance that was
    given to synthesis. ``tts_first``, ``tts``: from there to the first samples, and to the last. ``first_audio``: from
    the start until the first samples. ``total``: from the start until now.
    """

    stt: float | None = None
    llm_first: float | None = None
    llm: float | None = None
    first_clause: float | None = None
    tts_first: float | None = None
    tts: float | None = None
    first_audio: float | None = None
    total: float


class Stopwatch:
    """Marks the stages of one turn. A stage that is reached again keeps its first time, an end its last."""

    def __init__(self) -> None:
        self._marks: dict[str, float] = {"start": time.perf_counter()}

    def mark(self, stage: Stage) -> None:
        """Note that ``stage`` was reached now, if it was not before."""
        self._marks.setdefault(stage, time.perf_counter())

    def mark_end(self, stage: Stage) -> None:
        """Note that ``stage`` was reached now, also if it was before."""
        self._marks[stage] = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._marks["start"]

    def timings(self) -> Timings:
        """What is known by now."""
        at: dict[str, float] = {"heard": self._marks.get("stt_done", self._marks["start"]), **self._marks}
        spans = {
            name: at[end] - at[beginning] for name, (beginning, end) in _SPANS.items() if beginning in at and end in at
        }
        return Timings(**spans, total=self.elapsed)
