"""Streams that run ahead, races and background work: bounded, closed, and with their errors intact."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from gateway import tasks
from gateway.tasks import DeadlineExceeded, background, merged, race, with_deadline


class Counting:
    """A stream of numbers that tells how many it made and whether it was closed."""

    def __init__(self, count: int, fails: bool = False) -> None:
        self.count, self.fails = count, fails
        self.made, self.closed = 0, False

    async def stream(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self.count):
                self.made += 1
                yield number
            if self.fails:
                raise ValueError("broken")
        finally:
            await asyncio.sleep(0)  # closing that needs the loop
            self.closed = True


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_items_arrive_in_order_and_the_source_is_closed() -> None:
    source = Counting(5)
    async with merged(source.stream(), buffer=2) as items:
        assert [item async for item in items] == [0, 1, 2, 3, 4]
    assert source.closed


@pytest.mark.parametrize("buffer", [1, 3])
async def test_a_source_is_never_more_than_the_buffer_ahead(buffer: int) -> None:
    source = Counting(100)
    async with merged(source.stream(), buffer=buffer) as items:
        await settle()
        assert source.made == buffer
        await anext(items)
        await settle()
        assert source.made == buffer + 1


async def test_leaving_early_closes_every_source_before_going_on() -> None:
    sources = [Counting(100), Counting(100)]
    async with merged(*(source.stream() for source in sources), buffer=2) as items:
        await anext(items)
    assert [source.closed for source in sources] == [True, True]


async def test_leaving_before_anything_ran_leaves_nothing_open() -> None:
    source = Counting(3)
    async with merged(source.stream(), buffer=1):
        pass
    assert source.made == 0


async def test_leaving_before_a_task_ran_closes_a_source_that_had_begun() -> None:
    source = Counting(3)
    stream = source.stream()
    await anext(stream)
    async with merged(stream, buffer=1):
        pass
    assert source.closed


async def test_an_error_comes_unwrapped_after_the_items_before_it() -> None:
    seen: list[int] = []
    source = Counting(3, fails=True)
    with pytest.raises(ValueError, match="broken"):
        async with merged(source.stream(), buffer=10) as items:
            async for item in items:
                seen.append(item)
    assert seen == [0, 1, 2]
    assert source.closed


async def test_one_failing_source_ends_the_other() -> None:
    other = Counting(1000)
    with pytest.raises(ValueError, match="broken"):
        async with merged(Counting(1, fails=True).stream(), other.stream(), buffer=1) as items:
            async for _ in items:
                pass
    assert other.closed


async def test_a_slow_source_does_not_hold_up_the_other() -> None:
    never = asyncio.Event()

    async def silent() -> AsyncGenerator[int, None]:
        await never.wait()
        yield -1

    async with merged(silent(), Counting(3).stream(), buffer=1) as items:
        assert [await anext(items) for _ in range(3)] == [0, 1, 2]


async def test_a_wait_that_times_out_loses_nothing() -> None:
    gate = asyncio.Event()

    async def gated() -> AsyncGenerator[int, None]:
        await gate.wait()
        yield 1

    async with merged(gated(), buffer=1) as items:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(items)
        gate.set()
        assert await anext(items) == 1


async def test_cancelling_the_reader_while_it_closes_still_waits_for_the_source() -> None:
    source, leaving = Counting(100), asyncio.Event()

    async def read() -> None:
        async with merged(source.stream(), buffer=1) as items:
            await anext(items)
            leaving.set()

    task = asyncio.create_task(read())
    await leaving.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed


async def test_a_race_gives_the_first_result_and_ends_the_others() -> None:
    ended = asyncio.Event()

    async def endless() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "never"

    async def quick() -> str:
        await asyncio.sleep(0)
        return "quick"

    assert await race(endless(), quick()) == "quick"
    assert ended.is_set()


async def test_a_race_raises_the_first_failure() -> None:
    async def failing() -> None:
        raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        await race(failing(), asyncio.sleep(3600))


async def test_background_work_ends_with_its_owner() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with background() as start:
        start(work())
        await settle()
        assert not ended.is_set()
    assert ended.is_set()


async def test_a_failure_in_the_background_is_named_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> None:
        raise ValueError("what somebody said")

    async with background() as start:
        start(failing())
        await settle()
    assert "ValueError" in caplog.text
    assert "somebody" not in caplog.text


async def test_a_deadline_ends_the_wait_and_closes_what_was_waited_for() -> None:
    closed = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.set()

    with pytest.raises(DeadlineExceeded):
        await with_deadline(asyncio.get_running_loop().time(), endless())
    assert closed.is_set()


async def test_a_timeout_of_the_awaited_is_not_taken_for_the_deadline() -> None:
    async def slow() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await with_deadline(asyncio.get_running_loop().time() + 60, slow())


async def test_a_source_that_is_cancelled_from_within_does_not_look_finished() -> None:
    async def giving_up() -> AsyncGenerator[int, None]:
        yield 1
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="cancelled itself"):
        async with merged(giving_up(), buffer=1) as items:
            async for _ in items:
                pass


async def test_a_source_that_does_not_close_hides_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "CLOSING_SECONDS", 0.01)
    stuck, over = asyncio.Event(), asyncio.Event()

    async def stubborn() -> AsyncGenerator[int, None]:
        try:
            while True:
                yield 1
        finally:
            stuck.set()
            while not over.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await over.wait()

    other = Counting(100)
    with pytest.raises(ValueError, match="the real one"):
        async with merged(stubborn(), other.stream(), buffer=1) as items:
            await anext(items)
            raise ValueError("the real one")
    assert stuck.is_set()
    assert other.closed
    assert "did not close within" in caplog.text
    over.set()
    await settle()
