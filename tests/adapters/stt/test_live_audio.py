"""When a hypothesis is due: after enough new audio that arrived as it was spoken."""

import asyncio
from collections.abc import AsyncIterator

from adapters.stt.live_audio import moments
from tests.support.virtual_time import in_virtual_time

RATE = 100
BLOCK = bytes(20)
"""A tenth of a second."""


async def arriving(*waits: float) -> AsyncIterator[bytes]:
    for wait in waits:
        if wait:
            await asyncio.sleep(wait)
        yield BLOCK


async def due(*waits: float, recognition: float = 0.0) -> list[int]:
    """The blocks after which it is time for a hypothesis, which takes ``recognition`` seconds."""
    found: list[int] = []
    number = 0
    async for block, is_due in moments(arriving(*waits), sample_rate=RATE):
        assert block == BLOCK
        if is_due:
            found.append(number)
            await asyncio.sleep(recognition)
        number += 1
    assert number == len(waits)
    return found


@in_virtual_time
async def test_live_audio_once_a_second() -> None:
    assert await due(*[0.1] * 35) == [9, 19, 29]


@in_virtual_time
async def test_a_file_never() -> None:
    assert await due(*[0.0] * 100) == []
    assert await due(*[0.02] * 100) == [], "decoding takes time too"


@in_virtual_time
async def test_what_came_in_the_meantime_is_taken_first() -> None:
    # During a slow recognition 15 more blocks arrived, which come at once.
    assert await due(*[0.1] * 10, *[0.0] * 15, *[0.1] * 11, recognition=1.5) == [9, 25, 35]


async def paused() -> AsyncIterator[bytes]:
    for block in (BLOCK, b"", b"", BLOCK, BLOCK, b""):
        await asyncio.sleep(0.1)
        yield block


@in_virtual_time
async def test_a_pause_at_once_unless_nothing_is_new() -> None:
    found = [(block, is_due) async for block, is_due in moments(paused(), sample_rate=RATE)]
    assert found == [(BLOCK, False), (b"", True), (b"", False), (BLOCK, False), (BLOCK, False), (b"", True)]
