"""How long a pause must be, and the judge of its sound: in a thread, one at a time, and never in the way."""

import asyncio
from threading import Event, current_thread, main_thread

import pytest

from gateway.realtime.hearing.audio_format import FORMATS
from gateway.realtime.hearing.end_of_turn import LIMITS_MS, MAX_WAITING, TurnEvidence, TurnJudge, silence_needed_ms
from gateway.tasks import run_among

PCM = FORMATS["audio/pcm"]


def evidence(words: str = "", sound: float | None = None) -> TurnEvidence:
    found = TurnEvidence()
    found.hear(words, "en")
    found.sound = sound
    return found


def needed(words: str = "", sound: float | None = None, eagerness: str = "medium") -> float:
    return silence_needed_ms(evidence(words, sound), LIMITS_MS[eagerness])


def test_an_end_by_sound_needs_a_short_pause_whatever_is_known_of_the_words() -> None:
    assert needed(sound=0.9) == needed("Yes please.", 0.9) == needed("stop", 0.9) == 250


def test_words_that_go_on_need_the_longest_pause_even_if_they_sound_ended() -> None:
    assert [needed("I would like to", 0.99, eagerness) for eagerness in ("low", "medium", "auto", "high")] == [
        8000,
        4000,
        4000,
        2000,
    ]


def test_what_does_not_sound_ended_needs_it_too() -> None:
    assert needed("Yes please.", 0.1) == 4000


def test_without_sound_the_words_decide() -> None:
    assert needed("What is the capital of France?") < needed("tomorrow at noon") < needed("") < needed("so and")


@pytest.mark.parametrize("eagerness", LIMITS_MS)
@pytest.mark.parametrize("words", ["", "so and", "yes.", "maybe"])
@pytest.mark.parametrize("sound", [None, 0.0, 0.49, 0.51, 1.0])
def test_no_pause_is_longer_than_the_limit(eagerness: str, words: str, sound: float | None) -> None:
    assert 0 < needed(words, sound, eagerness) <= LIMITS_MS[eagerness]


class Model:
    """Judges when it is let."""

    sample_rate = 16_000
    window_seconds = 8.0

    def __init__(self) -> None:
        self.release = Event()
        self.lengths: list[int] = []
        self.failing = False

    def probability(self, pcm: bytes) -> float:
        assert current_thread() is not main_thread()
        assert self.release.wait(10)
        if self.failing:
            raise RuntimeError("the model is broken")
        self.lengths.append(len(pcm))
        return 0.75

    async def warm_up(self) -> None:
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        await asyncio.sleep(0)


async def test_a_judge_gets_the_audio_at_the_rate_of_its_model() -> None:
    model = Model()
    model.release.set()
    judge = TurnJudge(model)
    assert judge.window_ms == 8000
    assert await judge.probability(bytes(48_000), PCM) == 0.75
    assert await judge.probability(bytes(8_000), FORMATS["audio/pcmu"]) == 0.75
    assert model.lengths == pytest.approx([32_000, 32_000], abs=16)


async def test_without_a_model_nothing_is_judged() -> None:
    judge = TurnJudge(None)
    assert not judge.is_available
    assert await judge.probability(bytes(48_000), PCM) is None


async def test_what_would_wait_too_long_is_not_judged() -> None:
    model = Model()
    judge, tasks, found = TurnJudge(model), set[asyncio.Task[None]](), list[float | None]()

    async def ask() -> None:
        found.append(await judge.probability(bytes(48_000), PCM))

    for _ in range(MAX_WAITING):
        run_among(tasks, ask())
    await asyncio.sleep(0)
    assert not judge.is_available
    assert await judge.probability(bytes(48_000), PCM) is None
    model.release.set()
    await asyncio.wait(tasks)
    assert found == [0.75] * MAX_WAITING
    assert judge.is_available


async def test_a_failure_of_the_model_is_logged_and_not_known(caplog: pytest.LogCaptureFixture) -> None:
    model = Model()
    model.failing = True
    model.release.set()
    assert await TurnJudge(model).probability(bytes(48_000), PCM) is None
    assert "RuntimeError" in caplog.text
