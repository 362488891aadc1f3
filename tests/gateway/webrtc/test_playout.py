"""What is played in a call, frame by frame, and what is told of it."""

import asyncio

import numpy as np
import pytest

from gateway.realtime.hearing.audio_format import FORMATS
from gateway.webrtc.playout import FRAME_BYTES, Playout

PCM = FORMATS["audio/pcm"]


class Told(list[tuple[str, str]]):
    def __call__(self, change: str, response_id: str) -> None:
        self.append((change, response_id))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def playout(told: Told) -> Playout:
    made = Playout(told)
    made.begin("one", PCM)
    return made


def sound(frames: float, value: int = 7) -> bytes:
    return bytes([value]) * int(FRAME_BYTES * frames)


def test_answers_are_played_one_after_the_other(playout: Playout, told: Told) -> None:
    playout.begin("two", PCM)
    playout.add("one", sound(2))
    playout.forget("one")
    playout.add("two", sound(1, value=9))
    assert told == []
    assert playout.frame() == sound(1)
    assert told == [("started", "one")]
    assert playout.frame() == sound(1)
    assert playout.frame() == sound(1, value=9)
    assert told[1:] == [("stopped", "one"), ("started", "two")]
    assert playout.frame() is None
    assert told[-1] == ("started", "two"), "more may come"
    playout.complete("two")
    assert playout.frame() is None
    assert told[-1] == ("stopped", "two")


def test_half_a_frame_waits_for_more_and_is_filled_up_at_the_end(playout: Playout) -> None:
    playout.add("one", sound(0.5))
    assert playout.frame() is None
    playout.add("one", sound(0.75))
    assert playout.frame() == sound(1)
    playout.complete("one")
    assert playout.frame() == sound(0.25) + bytes(FRAME_BYTES * 3 // 4)


def test_what_is_cleared_is_not_played_nor_what_comes_later_of_it(playout: Playout, told: Told) -> None:
    playout.add("one", sound(3))
    playout.frame()
    playout.clear()
    playout.add("one", sound(3))
    assert playout.frame() is None
    playout.begin("two", PCM)
    playout.add("two", sound(1))
    assert playout.frame() == sound(1)
    assert told == [("started", "one"), ("cleared", "one"), ("started", "two")]


def test_what_was_never_heard_is_not_told_of(playout: Playout, told: Told) -> None:
    playout.add("one", sound(3))
    playout.clear()
    playout.begin("two", PCM)
    playout.forget("two")
    assert playout.frame() is None
    assert told == []


def test_audio_of_an_answer_that_is_not_known_is_not_played(playout: Playout) -> None:
    playout.add("nobody", sound(3))
    assert playout.frame() is None


def test_telephone_audio_has_the_same_length(playout: Playout) -> None:
    law = FORMATS["audio/pcmu"]
    tone = (np.sin(np.arange(8_000) / 5) * 8000).astype("<i2").tobytes()
    playout.begin("two", law)
    for start in range(0, len(tone), 320):
        playout.add("two", law.encode(tone[start : start + 320]))
    playout.complete("two")
    frames = []
    while (frame := playout.frame()) is not None:
        frames.append(frame)
    assert len(frames) == 50
    assert np.abs(np.frombuffer(b"".join(frames), "<i2")).max() > 6000


async def test_news_wake_who_waits_for_audio(playout: Playout) -> None:
    waiting = asyncio.create_task(playout.news(30))
    await asyncio.sleep(0)
    playout.add("one", sound(1))
    async with asyncio.timeout(5):
        await waiting
    await playout.news(0.01)  # nothing new
