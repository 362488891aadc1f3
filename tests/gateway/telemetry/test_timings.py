"""The stages of a turn are measured from where they begin, and what did not happen has no time."""

import pytest

from gateway.telemetry import timings
from gateway.telemetry.timings import Stage, Stopwatch, Timings


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 50.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timings, "time", clock)
    return clock


def test_every_stage_counts_from_the_one_before(clock: Clock) -> None:
    watch = Stopwatch()
    stages: tuple[tuple[Stage, int], ...] = (
        ("stt_done", 1),
        ("llm_first_token", 2),
        ("tts_request", 4),
        ("tts_first_audio", 8),
        ("llm_done", 16),
    )
    for stage, seconds in stages:
        clock.now += seconds
        watch.mark(stage)
    clock.now += 32
    watch.mark("tts_first_audio")  # the second utterance
    watch.mark_end("tts_done")
    clock.now += 64
    watch.mark_end("tts_done")
    assert watch.timings() == Timings(
        stt=1, llm_first=2, llm=30, first_clause=4, tts_first=8, tts=120, first_audio=15, total=127
    )


def test_without_hearing_the_model_counts_from_the_start(clock: Clock) -> None:
    watch = Stopwatch()
    clock.now += 3
    watch.mark("llm_first_token")
    assert watch.timings() == Timings(llm_first=3, total=3)
