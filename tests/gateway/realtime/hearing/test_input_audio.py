"""Audio as it comes in: bounds, positions, utterances that grow, pause and end."""

import asyncio

import numpy as np
import pytest

from adapters.contract.errors import InvalidRequest, TooLong
from gateway.realtime.audio_memory import AudioMemory
from gateway.realtime.hearing.audio_format import FORMATS
from gateway.realtime.hearing.input_audio import MAX_APPEND_BYTES, InputAudio, Utterance
from gateway.tasks import background

PCM = FORMATS["audio/pcm"]
RATE = 24_000


def samples(start: int, count: int) -> bytes:
    """A ramp, so that every sample is another."""
    return np.arange(start, start + count).astype("<i2").tobytes()


def audio(seconds: float = 1.0, **options: float) -> InputAudio:
    taken = InputAudio(PCM, AudioMemory(64), **options)
    taken.append(samples(0, round(seconds * RATE)))
    return taken


def test_positions_are_those_of_the_session() -> None:
    taken = audio(start_ms=5000.0)
    assert (taken.kept_from_ms, taken.now_ms) == (5000.0, 6000.0)
    taken.forget(5400.0)
    assert (taken.kept_from_ms, taken.now_ms) == (5400.0, 6000.0)
    taken.forget(5100.0)
    assert taken.kept_from_ms == 5400.0
    taken.forget(9000.0)
    assert (taken.kept_from_ms, taken.now_ms) == (6000.0, 6000.0)


def test_half_a_sample_is_refused_and_leaves_nothing_behind() -> None:
    taken = audio()
    with pytest.raises(InvalidRequest, match="961 bytes") as refusal:
        taken.append(bytes(961))
    assert refusal.value.param == "audio"
    assert taken.now_ms == 1000.0
    telephone = InputAudio(FORMATS["audio/pcmu"], AudioMemory(64))
    telephone.append(bytes(161))
    assert telephone.now_ms == pytest.approx(20.125)


def test_too_much_at_once_is_refused() -> None:
    taken = InputAudio(PCM, AudioMemory(64))
    taken.append(bytes(MAX_APPEND_BYTES))
    with pytest.raises(InvalidRequest, match="15728642 bytes"):
        taken.append(bytes(MAX_APPEND_BYTES + 2))


def test_what_is_not_committed_is_bounded() -> None:
    taken = audio(max_seconds=2.0)
    with pytest.raises(TooLong, match="2 s") as refusal:
        taken.append(samples(0, RATE + 1))
    assert refusal.value.code == "input_audio_buffer_full"
    taken.append(samples(0, RATE))
    taken.commit(0, 2000)
    taken.append(samples(0, RATE))
    assert taken.now_ms == 3000.0


def test_a_commit_takes_its_span_and_leaves_what_comes_after() -> None:
    taken = audio()
    assert taken.commit(250.0, 750.0).data == samples(6000, 12_000)
    assert (taken.kept_from_ms, taken.now_ms) == (750.0, 1000.0)
    assert taken.commit(0.0, 9000.0).data == samples(18_000, 6000)
    assert taken.commit(0.0, 9000.0).data == b""


def test_an_open_utterance_is_what_is_committed() -> None:
    taken = audio()
    growing = taken.open(250.0)
    taken.forget(900.0)
    assert taken.kept_from_ms == 250.0, "it is needed"
    taken.append(samples(24_000, 2400))
    assert taken.commit(0.0, 1050.0) is growing
    assert growing.data == samples(6000, 25_200 - 6000)
    assert taken.utterance is None


def test_another_utterance_ends_the_one_that_was_open() -> None:
    taken = audio()
    first = taken.open(0.0)
    first.advance(500.0)
    second = taken.open(750.0)
    assert first.has_ended
    assert first.data == samples(0, 12_000)
    assert taken.commit(0.0, 1000.0) is second
    assert second.data == samples(18_000, 6000)


def test_what_is_forgotten_is_not_there() -> None:
    taken = audio()
    taken.forget(500.0)
    assert taken.between(0, taken.offset(750.0)) == samples(12_000, 6000)
    assert taken.between(0, taken.offset(250.0)) == b""


def test_clearing_ends_an_utterance_without_audio() -> None:
    taken = audio()
    growing = taken.open(250.0)
    taken.clear(600.0)
    assert growing.has_ended
    assert growing.data == b""
    assert taken.kept_from_ms == 600.0


async def read(utterance: Utterance, rate: int, found: list[bytes]) -> None:
    async for block in utterance.blocks(rate):
        found.append(block)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_readers_get_what_is_known_to_belong_to_it_and_the_pause() -> None:
    taken, found = audio(), list[bytes]()
    growing = taken.open(0.0)
    async with background() as start:
        start(read(growing, RATE, found))
        await settled()
        assert found == []
        growing.advance(100.0)
        await settled()
        growing.advance(300.0)
        growing.pause()
        await settled()
        assert b"".join(found) == samples(0, 7200)
        assert found[-1] == b"", "the pause"
        growing.resume()
        growing.advance(400.0)
        await settled()
        assert b"".join(found) == samples(0, 9600)
        taken.commit(0.0, 700.0)
        await settled()
    assert b"".join(found) == samples(0, 16_800), "what is committed is of it, known before or not"


async def test_the_silence_after_its_last_pause_is_not_read() -> None:
    taken, found = audio(), list[bytes]()
    growing = taken.open(0.0)
    growing.advance(300.0)
    growing.pause()
    async with background() as start:
        start(read(growing, RATE, found))
        await settled()
        taken.commit(0.0, 900.0)
        await settled()
    assert b"".join(found) == samples(0, 7200)
    assert growing.known() == (PCM, samples(0, 7200))
    assert growing.data == samples(0, 21_600), "but it is of the item"
    assert growing.seconds == pytest.approx(0.3)


async def test_readers_get_half_a_second_at_once() -> None:
    taken, found = audio(3.2), list[bytes]()
    growing = taken.open(0.0)
    taken.commit(0.0, 3200.0)
    await read(growing, RATE, found)
    assert [len(block) for block in found] == [24_000] * 6 + [9_600]


async def test_a_reader_that_comes_late_gets_it_from_its_start() -> None:
    taken, found = audio(), list[bytes]()
    growing = taken.open(0.0)
    taken.commit(0.0, 1000.0)
    await read(growing, RATE, found)
    assert b"".join(found) == samples(0, RATE)


async def test_readers_get_the_rate_that_they_ask_for() -> None:
    times = np.arange(8000) / 8000
    tone = (np.sin(2 * np.pi * 440 * times) * 10_000).astype("<i2").tobytes()
    telephone = InputAudio(FORMATS["audio/pcma"], AudioMemory(64))
    telephone.append(telephone.format.encode(tone))
    growing, found = telephone.open(0.0), list[bytes]()
    async with background() as start:
        start(read(growing, 16_000, found))
        for until in range(20, 1001, 20):
            growing.advance(until)
            await asyncio.sleep(0)
        telephone.commit(0.0, 1000.0)
        await settled()
    heard = np.frombuffer(b"".join(found), "<i2").astype(float)
    ideal = np.sin(2 * np.pi * 440 * np.arange(len(heard)) / 16_000) * 10_000
    assert len(heard) == pytest.approx(16_000, abs=16)
    assert np.abs(heard - ideal)[400:-400].max() < 320, "no seams, as far as A-law can tell"


def test_pauses_are_numbered() -> None:
    growing = audio().open(0.0)
    assert not growing.is_in(0)
    growing.pause()
    assert growing.is_in(1)
    growing.resume()
    growing.pause()
    assert not growing.is_in(1)
    assert growing.is_in(2)


def test_what_all_sessions_keep_together_is_bounded_and_given_back() -> None:
    memory = AudioMemory(1)
    one, other = InputAudio(PCM, memory), InputAudio(PCM, memory)
    one.append(bytes(1024 * 1024 - 2000))
    with pytest.raises(TooLong, match="All sessions together") as refusal:
        other.append(bytes(2002))
    assert (refusal.value.code, other.now_ms) == ("input_audio_buffer_full", 0.0)
    one.commit(0.0, one.now_ms)
    other.append(bytes(1024 * 1024))
    other.clear(other.now_ms)
    assert memory.free == 1024 * 1024
