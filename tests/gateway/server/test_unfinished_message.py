"""Messages that have arrived in part: what they take of the memory of all bodies, and how slowly they may come."""

import asyncio

import pytest

from adapters.contract.errors import Unavailable
from gateway.server import limits
from gateway.server.unfinished_message import UnfinishedMessage
from tests.support.virtual_time import in_virtual_time

LONG = 1_000_000


class Memory:
    """So many bytes are left."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, size: int) -> None:
        if size > self.left:
            raise Unavailable("There is no room.")
        self.left -= size


async def test_it_is_counted_until_its_end() -> None:
    memory, message = Memory(LONG), UnfinishedMessage()
    message.take_memory = memory.take
    message.has(limits.SMALL_MESSAGE_BYTES - 1)
    assert memory.left == LONG, "nearly all messages are small"
    message.has(LONG - 1)
    assert memory.left == 1
    with pytest.raises(Unavailable):
        message.has(LONG + 1)
    message.has(0)
    assert memory.left == LONG


@in_virtual_time
async def test_one_that_stops_is_too_slow_after_a_pause() -> None:
    message = UnfinishedMessage()
    message.has(LONG)
    await asyncio.sleep(limits.BODY_SECONDS - 1)
    assert not message.too_slow()
    message.has(LONG)
    await asyncio.sleep(1)
    assert message.too_slow()
    message.has(0)
    assert not message.too_slow(), "the next one has not begun"


@in_virtual_time
async def test_one_that_comes_slowly_has_longer_but_not_for_ever() -> None:
    message, seconds = UnfinishedMessage(), 0
    while not message.too_slow():
        message.has(LONG + seconds * limits.BODY_BYTES_PER_SECOND // 2)
        await asyncio.sleep(1)
        seconds += 1
    assert limits.BODY_SECONDS < seconds <= 2 * limits.BODY_SECONDS
