"""A turn that takes too long fails with the setting that limits it; what it was waiting for is cancelled or closed."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from adapters.contract.errors import TimedOut
from gateway.pipeline.deadline import Deadline
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_time_that_has_passed_counts() -> None:
    deadline = Deadline.of(10, elapsed=4)
    assert await deadline.limit(asyncio.sleep(5, "in time")) == "in time"
    with pytest.raises(TimedOut, match=r"longer than 10 s, the limit set by --max_turn_seconds"):
        await deadline.limit(asyncio.sleep(2))
    assert asyncio.get_running_loop().time() == 6


@in_virtual_time
async def test_a_stream_that_is_late_is_closed() -> None:
    closed = False

    async def stream() -> AsyncGenerator[int, None]:
        nonlocal closed
        try:
            for number in range(1, 10):
                await asyncio.sleep(1)
                yield number
        finally:
            closed = True

    items = []
    with pytest.raises(TimedOut):
        async for item in Deadline.of(3.5, elapsed=0).limited(stream()):
            items.append(item)
    assert items == [1, 2, 3]
    assert closed


@in_virtual_time
async def test_a_time_limit_of_the_stream_itself_is_not_the_deadline() -> None:
    async def stream() -> AsyncGenerator[int, None]:
        raise TimeoutError("its own")
        yield 1

    with pytest.raises(TimeoutError, match="its own"):
        await anext(Deadline.of(5, elapsed=0).limited(stream()))
