"""Real worker processes decode what was recorded; files that crash or stall them cost themselves only."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from adapters.contract.errors import InvalidRequest, TooLong, Unavailable
from gateway.audio.decoder_pool import DecoderPool
from tests.support.recordings import crashing, hours, m4a, sound, tone

TOO_MUCH = "The audio file cannot be decoded: it is damaged, or decoding it takes more time or memory"
NOT_AUDIO = "Invalid file format."


@pytest.fixture
async def pool() -> AsyncIterator[DecoderPool]:
    pool = DecoderPool(max_seconds=60)
    try:
        yield pool
    finally:
        await pool.aclose()


async def assert_works(pool: DecoderPool) -> None:
    samples = np.frombuffer(await pool.decode(m4a(), 16_000), "<i2")
    assert len(samples) / 16_000 == pytest.approx(3, abs=0.06)
    assert np.sqrt((samples.astype(float) ** 2).mean()) == pytest.approx(0.3 * 32768 / np.sqrt(2), rel=0.1)


async def refusal(pool: DecoderPool, data: bytes) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        await pool.decode(data, 16_000)
    assert caught.value.param == "audio"
    return caught.value


async def test_it_decodes_in_a_worker(pool: DecoderPool) -> None:
    await assert_works(pool)
    assert len(pool._pool._idle) == 1


async def test_many_at_once_do_not_mix(pool: DecoderPool) -> None:
    files = [sound(tone(seconds / 10, 16_000), container="FLAC") for seconds in range(2, 12)]
    decoded = await asyncio.gather(*(pool.decode(file, 16_000) for file in files))
    assert [len(pcm) for pcm in decoded] == [seconds * 3200 for seconds in range(2, 12)]


async def test_a_short_plain_wav_needs_no_worker(pool: DecoderPool) -> None:
    samples = tone(1, 16_000)
    assert await pool.decode(sound(samples), 16_000) == samples.tobytes()
    assert len(await pool.decode(sound(samples), 24_000)) == 48_000
    assert pool._pool._idle == []


@pytest.mark.parametrize(
    ("rate", "subtype", "seconds"),
    [(16_000, "IMA_ADPCM", 1), (16_000, "PCM_U8", 1), (4_000, "PCM_16", 1), (48_000, "PCM_16", 3)],
)
async def test_any_other_wav_is_decoded_in_a_worker(pool: DecoderPool, rate: int, subtype: str, seconds: int) -> None:
    """What is short may still be long work: IMA ADPCM holds four times the sound in its bytes."""
    assert await pool.decode(sound(tone(seconds, rate), rate, subtype=subtype), 16_000)
    assert len(pool._pool._idle) == 1


async def test_refusals_of_the_worker_arrive_as_they_are(pool: DecoderPool) -> None:
    with pytest.raises(TooLong) as caught:
        await pool.decode(hours(), 16_000)
    assert (caught.value.code, caught.value.param) == ("audio_too_long", "audio")
    assert (await refusal(pool, b"Good morning.")).message.startswith(NOT_AUDIO)
    assert (await refusal(pool, b"")).message == "The audio file is empty."


def huge_tags() -> bytes:
    """A tag that claims two gigabytes, which FFmpeg allocates."""
    head = sound(tone(1, 16_000))[:36]
    return head + b"LIST\xff\xff\xff\x7fINFOIART" + struct.pack("<I", 0x7FFF_FFF0) + bytes(200)


def tiny_boxes() -> bytes:
    return struct.pack(">I4s", 24_000_008, b"moov") + struct.pack(">I4s", 8, b"free") * 3_000_000


def tiny_chunks() -> bytes:
    head = sound(tone(1, 16_000))[:36]
    return head + b"JUNK\0\0\0\0" * 3_000_000


@pytest.mark.parametrize(
    ("attack", "messages"),
    [
        (crashing, TOO_MUCH),
        (huge_tags, NOT_AUDIO),
        # A fast machine gets to their end.
        (tiny_boxes, (TOO_MUCH, "The file has no audio track.")),
        (tiny_chunks, (TOO_MUCH, NOT_AUDIO)),
    ],
)
async def test_a_file_that_is_too_much_costs_itself_only(
    pool: DecoderPool, attack: Callable[[], bytes], messages: str | tuple[str, ...]
) -> None:
    attacked = asyncio.create_task(refusal(pool, attack()))
    await assert_works(pool)
    assert (await attacked).message.startswith(messages)
    await assert_works(pool)


async def test_leaving_ends_the_work(pool: DecoderPool) -> None:
    leaving = asyncio.create_task(pool.decode(m4a(), 16_000))
    while not pool._pool._busy:
        await asyncio.sleep(0)
    (worker,) = pool._pool._busy
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert not worker.alive
    await assert_works(pool)


async def test_nothing_is_decoded_after_the_end(pool: DecoderPool) -> None:
    await pool.warm_up()
    await pool.aclose()
    with pytest.raises(Unavailable, match="shut down"):
        await pool.decode(m4a(), 16_000)
