"""Audio at the pace at which it is heard, in virtual time."""

import asyncio
from collections.abc import Iterator

import pytest

from gateway.realtime.hearing.audio_format import FORMATS, AudioType
from gateway.realtime.pacing import (
    CLOCK_SECONDS,
    DRY_SECONDS,
    MOST_WAITING_SECONDS,
    PIECE_SECONDS,
    PacedAudio,
    Playback,
)
from tests.support.virtual_time import in_virtual_time

RATE = 24_000


def sound(seconds: float) -> bytes:
    return b"\1\0" * round(RATE * seconds)


class Listener:
    """Hears an answer: the pieces with the times at which they came."""

    def __init__(self, lead: float = 5.0, format_name: AudioType = "audio/pcm") -> None:
        self.pieces: list[tuple[float, bytes, float, str | None]] = []
        self.playback = Playback(lead)
        self.began = asyncio.get_running_loop().time()
        self.audio = PacedAudio(self.playback, RATE, FORMATS[format_name], self._take)

    def _take(self, piece: bytes, seconds: float, text: str | None) -> None:
        self.pieces.append((asyncio.get_running_loop().time() - self.began, piece, seconds, text))

    def leads(self) -> Iterator[float]:
        """How far ahead of real time the audio was after each piece."""
        total = 0.0
        for at, _, seconds, _ in self.pieces:
            total += seconds
            yield total - at

    def heard(self) -> bytes:
        return b"".join(piece for _, piece, _, _ in self.pieces)


@in_virtual_time
async def test_it_is_never_further_ahead_than_the_lead_and_never_late() -> None:
    listener = Listener(lead=5.0)
    listener.audio.start()
    listener.audio.begin("A long story.")
    for _ in range(500):
        listener.audio.feed(sound(0.04))
        await listener.audio.room()
    await listener.audio.drain()
    assert listener.heard() == sound(20)
    leads = list(listener.leads())
    assert max(leads) <= 5.0 + CLOCK_SECONDS
    assert min(leads[20:-20]) > 4.0
    assert max(seconds for _, _, seconds, _ in listener.pieces) == pytest.approx(PIECE_SECONDS)
    assert listener.pieces[0][0] == 0.0, "the first sound goes out at once"


@in_virtual_time
async def test_without_a_lead_all_goes_out_at_once() -> None:
    listener = Listener(lead=0.0)
    listener.audio.start()
    listener.audio.feed(sound(20))
    await listener.audio.drain()
    assert {at for at, _, _, _ in listener.pieces} == {0.0}
    assert listener.heard() == sound(20)


@in_virtual_time
async def test_each_utterance_begins_with_its_first_piece() -> None:
    listener = Listener()
    listener.audio.start()
    for text in ("Hello. ", "*", "How are you?"):
        listener.audio.begin(text)
        listener.audio.feed(b"" if text == "*" else sound(0.5))
    await listener.audio.drain()
    assert [text for _, _, _, text in listener.pieces if text] == ["Hello. ", "*How are you?"]
    assert listener.heard() == sound(1.0)


@in_virtual_time
async def test_a_slow_synthesiser_is_not_waited_for_until_the_listener_runs_dry() -> None:
    listener = Listener()
    listener.audio.start()
    listener.audio.begin("Hm.")
    listener.audio.feed(sound(0.4))
    listener.audio.feed(sound(0.1))
    await asyncio.sleep(10)
    assert [at for at, _, _, _ in listener.pieces] == [
        0.0,
        pytest.approx(0.4 - DRY_SECONDS, abs=CLOCK_SECONDS),
    ]
    assert [seconds for _, _, seconds, _ in listener.pieces] == pytest.approx([0.4, 0.1])


@in_virtual_time
async def test_a_synthesiser_that_is_far_ahead_has_to_wait() -> None:
    listener = Listener()
    listener.audio.start()
    listener.audio.feed(sound(5.0 + MOST_WAITING_SECONDS + 1))
    began = asyncio.get_running_loop().time()
    await listener.audio.room()
    assert asyncio.get_running_loop().time() - began > 0.5


@in_virtual_time
async def test_what_is_prepared_waits_for_the_start() -> None:
    listener = Listener()
    listener.audio.begin("Hello.")
    listener.audio.feed(sound(0.3))
    await asyncio.sleep(3)
    assert listener.pieces == []
    listener.audio.start()
    assert listener.heard() == sound(0.3)


@in_virtual_time
async def test_a_stopped_answer_is_silent_and_the_next_begins_at_once() -> None:
    listener = Listener(lead=1.0)
    listener.audio.start()
    listener.audio.feed(sound(20))
    await asyncio.sleep(2)
    listener.audio.stop()
    listener.playback.stop()
    count = len(listener.pieces)
    await listener.audio.drain()
    await asyncio.sleep(30)
    assert len(listener.pieces) == count
    assert listener.playback.unheard_seconds == 0.0
    assert listener.playback.wait_seconds() == 0.0


@in_virtual_time
async def test_the_next_answer_waits_for_what_is_still_heard() -> None:
    listener = Listener(lead=1.0)
    listener.playback.played(10.0)
    listener.audio.start()
    listener.audio.feed(sound(0.4))
    await listener.audio.drain()
    assert listener.pieces[0][0] == pytest.approx(9.4, abs=CLOCK_SECONDS)


@in_virtual_time
async def test_g711_has_a_third_of_the_samples_of_one_byte_each() -> None:
    listener = Listener(format_name="audio/pcmu")
    listener.audio.start()
    listener.audio.feed(sound(1.0))
    await listener.audio.drain()
    assert len(listener.heard()) == 8_000
    assert sum(seconds for _, _, seconds, _ in listener.pieces) == pytest.approx(1.0)
