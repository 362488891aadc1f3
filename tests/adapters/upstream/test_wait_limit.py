"""One timer for many waits: each has its own limit, and a cancellation from outside stays one."""

import asyncio

import pytest

from adapters.upstream.wait_limit import WaitExpired, WaitLimit


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_a_wait_that_ends_in_time_gives_its_result() -> None:
    waits = WaitLimit()
    assert [await waits.wait(soon(60), asyncio.sleep(0, number)) for number in range(3)] == [0, 1, 2]
    waits.stop()


async def test_a_wait_that_takes_too_long_is_ended_and_another_may_follow() -> None:
    waits = WaitLimit()
    cancelled = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    for _ in range(2):
        with pytest.raises(WaitExpired):
            await waits.wait(soon(0.01), forever())
        assert cancelled.is_set()
        cancelled.clear()
    assert await waits.wait(soon(60), asyncio.sleep(0.02, "late")) == "late"
    waits.stop()


async def test_a_limit_that_moves_into_the_future_holds_and_one_that_comes_nearer_too() -> None:
    waits = WaitLimit()
    await waits.wait(soon(0.01), asyncio.sleep(0))
    assert await waits.wait(soon(60), asyncio.sleep(0.05, "patient")) == "patient"
    with pytest.raises(WaitExpired):
        await waits.wait(soon(0.01), asyncio.sleep(60))
    waits.stop()


async def test_no_time_passes_between_waits() -> None:
    waits = WaitLimit()
    await waits.wait(soon(0.01), asyncio.sleep(0))
    await asyncio.sleep(0.03)  # the reader takes its time
    assert await waits.wait(soon(60), asyncio.sleep(0, "read")) == "read"
    waits.stop()


async def test_a_cancellation_from_outside_is_passed_on() -> None:
    waits = WaitLimit()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await waits.wait(soon(60), asyncio.sleep(60))
    waits.stop()


async def test_a_wait_that_is_extended_lasts_longer() -> None:
    waits = WaitLimit()
    waiting = asyncio.create_task(waits.wait(soon(0.03), asyncio.sleep(0.1, "done")))
    await asyncio.sleep(0.01)
    waits.until = soon(60)
    assert await waiting == "done"
    waits.stop()


async def test_a_wait_that_lasts_may_be_given_less_time_than_before() -> None:
    waits = WaitLimit()

    def shorten() -> None:
        waits.until = soon(0.01)
        waits.keep()

    asyncio.get_running_loop().call_later(0.01, shorten)
    with pytest.raises(WaitExpired):
        await waits.wait(soon(1_000), asyncio.Event().wait())
    waits.stop()
