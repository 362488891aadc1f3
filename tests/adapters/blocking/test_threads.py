"""Blocking calls and iterators read through threads."""

import asyncio
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import aclosing

import pytest

from adapters.blocking import SerialThread, WaitingThreads, call, call_in_turn, iterate
from adapters.blocking.threads import THREADS
from tests.support.server import until


async def test_call_returns_and_raises_what_the_function_does() -> None:
    assert await call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await call(divmod, 7, 0)


async def test_call_leaves_the_loop_free() -> None:
    gate = threading.Event()
    waiting = asyncio.create_task(call(gate.wait, 30))
    await asyncio.sleep(0)
    gate.set()
    assert await waiting is True


async def test_a_thread_that_waits_keeps_nothing_of_its_last_call() -> None:
    class Recording:
        pass

    async def gone() -> Callable[[], Recording | None]:
        recording = Recording()
        assert await call(lambda: recording) is recording
        return weakref.ref(recording)

    recording = await gone()
    await until(lambda: recording() is None)


async def test_a_call_cancelled_while_it_runs_has_ended_when_the_caller_goes_on() -> None:
    started, gate, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        gate.wait(30)
        ended.set()
        raise ValueError("nobody reads this")

    caller = asyncio.create_task(call(work))
    await call(started.wait, 30)
    for _ in range(2):
        caller.cancel()
        await asyncio.sleep(0)
    assert not caller.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()


async def test_a_call_cancelled_before_its_turn_never_runs() -> None:
    gate, ran = threading.Event(), threading.Event()
    busy = [asyncio.create_task(call(gate.wait, 30)) for _ in range(THREADS)]
    await asyncio.sleep(0)
    late = asyncio.create_task(call(ran.set))
    await asyncio.sleep(0)
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late
    gate.set()
    await asyncio.gather(*busy)
    await call(gate.wait, 30)
    assert not ran.is_set()


async def test_calls_in_turn_run_one_after_the_other_and_hold_nobody_else_up() -> None:
    gate = threading.Event()
    running: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        running.append(number)
        most.append(len(running))
        gate.wait(30)
        running.remove(number)

    calls = [asyncio.create_task(call_in_turn(work, number)) for number in range(5)]
    await call(lambda: None)
    gate.set()
    await asyncio.gather(*calls)
    assert most == [1] * 5


class Counting:
    """An iterator that counts what was taken from it and notes that it was closed."""

    def __init__(self, limit: int) -> None:
        self.taken = 0
        self.closed = threading.Event()
        self.limit = limit

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self.taken == self.limit:
            raise StopIteration
        self.taken += 1
        return self.taken

    def close(self) -> None:
        self.closed.set()


async def test_serial_threads_do_not_wait_for_each_other_and_count_their_calls() -> None:
    gate = threading.Event()
    one, other = SerialThread("one"), SerialThread("other")
    held = [asyncio.create_task(one.call(gate.wait, 30)) for _ in range(2)]
    await asyncio.sleep(0)
    assert (one.waiting, other.waiting) == (2, 0)
    assert await other.call(lambda: threading.current_thread().name) == "other"
    gate.set()
    assert await asyncio.gather(*held) == [True, True]
    assert one.waiting == 0
    thread = await one.call(threading.current_thread)
    one.end()
    await call(thread.join, 30)
    assert not thread.is_alive()


async def test_iterate_passes_everything_on_in_order() -> None:
    source = Counting(200)
    async with aclosing(iterate(lambda: source, ahead=3)) as items:
        assert [item async for item in items] == list(range(1, 201))
    assert source.closed.is_set()


async def test_nothing_happens_before_iteration() -> None:
    source = Counting(1)
    await iterate(lambda: source, ahead=1).aclose()
    assert source.taken == 0


@pytest.mark.parametrize("ahead", [1, 4])
async def test_a_slow_reader_is_not_outrun(ahead: int) -> None:
    source = Counting(100)
    async with aclosing(iterate(lambda: source, ahead=ahead)) as items:
        for read in range(1, 10):
            await anext(items)
            await asyncio.sleep(0.005)  # time enough to run further ahead, were it possible
            assert source.taken <= read + ahead
    assert source.closed.is_set()


async def test_an_error_comes_unwrapped_after_the_items_before_it() -> None:
    def work() -> Iterator[int]:
        yield 1
        raise LookupError("gone")

    items = iterate(work, ahead=8)
    assert await anext(items) == 1
    with pytest.raises(LookupError, match="gone"):
        await anext(items)


async def test_an_error_of_make_comes_unwrapped() -> None:
    def make() -> Iterator[int]:
        raise LookupError("no model")

    with pytest.raises(LookupError, match="no model"):
        await anext(iterate(make, ahead=1))


async def test_leaving_early_waits_for_the_current_item_even_when_cancelled_twice() -> None:
    working, gate = threading.Event(), threading.Event()
    closed = threading.Event()

    def work() -> Iterator[int]:
        try:
            yield 1
            working.set()
            gate.wait(30)
            yield 2
        finally:
            closed.set()

    async def read() -> None:
        async with aclosing(iterate(work, ahead=1)) as items:
            async for _ in items:
                pass

    reader = asyncio.create_task(read())
    await call(working.wait, 30)
    for _ in range(3):
        reader.cancel()
        await asyncio.sleep(0)
    assert not reader.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert closed.is_set()


async def test_a_failure_while_closing_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    def work() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            raise ValueError("what the user said")

    items = iterate(work, ahead=1)
    await anext(items)
    await items.aclose()
    assert "ValueError" in caplog.text
    assert "what the user said" not in caplog.text


async def test_who_is_cancelled_leaves_a_function_that_waits() -> None:
    threads, gate, ended = WaitingThreads(1, "waiting"), threading.Event(), threading.Event()

    def wait() -> None:
        gate.wait(30)
        ended.set()

    waiting = asyncio.create_task(threads.call(wait))
    queued = asyncio.create_task(threads.call(wait))
    await asyncio.sleep(0.05)
    for task in (waiting, queued):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not ended.is_set()
    gate.set()
    assert await threads.call(lambda text: text, "free again") == "free again"
    assert ended.is_set()
