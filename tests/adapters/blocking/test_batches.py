"""One thread that works for many readers: who gets what, who leaves, and what happens when it fails."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, asynccontextmanager

import pytest

from adapters.blocking import BatchThread, Ended, ReaderLeft, call
from adapters.contract.errors import Unavailable, UpstreamError

PLENTY = 1000
SECRET = " ".join(("what", "was", "said"))  # not as it stands in the source, which a traceback shows


class Counters:
    """A batch of counters: a job is how far to count, what is negative is refused, 99 is the end of all.
    The number 13 fails.

    With ``steps`` it makes only as many steps as are released.
    """

    def __init__(self, steps: threading.Semaphore | None = None) -> None:
        self.thread = threading.current_thread()
        self.running: dict[int, list[int]] = {}  # how far each has counted, and how far it goes
        self.dropped: list[int] = []
        self.most = 0
        self.closed = 0
        self._steps = steps

    def add(self, key: int, job: int) -> None:
        assert threading.current_thread() is self.thread
        if job < 0:
            raise LookupError("negative")
        self.running[key] = [0, job]
        self.most = max(self.most, len(self.running))

    def drop(self, key: int) -> None:
        assert threading.current_thread() is self.thread
        del self.running[key]
        self.dropped.append(key)

    def close(self) -> None:
        assert threading.current_thread() is self.thread
        self.closed += 1

    def step(self) -> Iterable[tuple[int, int | Exception | Ended]]:
        assert threading.current_thread() is self.thread
        assert self.running, "there is nothing to do"
        if self._steps is not None:
            assert self._steps.acquire(timeout=30)
        for key, counter in list(self.running.items()):
            counter[0] += 1
            if counter[1] == 99:
                raise MemoryError(SECRET)
            if counter[0] == 13:
                del self.running[key]
                yield key, ArithmeticError("thirteen")
                continue
            yield key, counter[0]
            if counter[0] == counter[1]:
                del self.running[key]
                yield key, Ended()


class Harness:
    """A batch of counters that is running, and its thread."""

    def __init__(self, steps: threading.Semaphore | None = None) -> None:
        self._steps = steps
        self.thread: BatchThread[int, int, Counters] = BatchThread(self._make, name="counters", adapter="counters")

    def _make(self) -> tuple[Counters, Counters]:
        batch = Counters(self._steps)
        return batch, batch

    async def start(self) -> None:
        self.batch = await self.thread.start()

    def count(self, job: int, *, buffer: int = PLENTY) -> AsyncGenerator[int, None]:
        return self.thread.stream(job, buffer=buffer)

    async def counted(self, job: int) -> list[int]:
        async with aclosing(self.count(job)) as numbers:
            return [number async for number in numbers]


@asynccontextmanager
async def counting(steps: threading.Semaphore | None = None) -> AsyncGenerator[Harness, None]:
    harness = Harness(steps)
    await harness.start()
    try:
        yield harness
    finally:
        if steps is not None:
            steps.release(PLENTY)
        await harness.thread.aclose()


async def test_every_reader_gets_its_own_items_in_order_while_all_run_together() -> None:
    jobs = [1, 5, 12, 7]
    steps = threading.Semaphore(0)
    async with counting(steps) as harness:
        readers = [asyncio.create_task(harness.counted(job)) for job in jobs]
        await asyncio.sleep(0)  # all have come before the first step is made
        steps.release(PLENTY)
        for job, reader in zip(jobs, readers, strict=True):
            assert await reader == list(range(1, job + 1))
        assert harness.batch.most > 1
        assert not harness.batch.running


async def test_it_waits_for_work_and_goes_on() -> None:
    async with counting() as harness:
        for _ in range(3):
            assert await harness.counted(2) == [1, 2]


async def test_nothing_happens_before_a_stream_is_read() -> None:
    async with counting() as harness:
        stream = harness.count(3)
        assert await harness.counted(1) == [1]
        await stream.aclose()
        assert harness.batch.most == 1
        assert not harness.batch.dropped


async def test_an_error_is_one_reader_s_own() -> None:
    async with counting() as harness:
        other = asyncio.create_task(harness.counted(12))
        with pytest.raises(LookupError, match="negative"):
            await harness.counted(-1)
        got = []
        with pytest.raises(ArithmeticError, match="thirteen"):
            async for number in harness.count(20):
                got.append(number)
        assert got == list(range(1, 13))
        assert await other == list(range(1, 13))
        assert harness.thread.down is None


async def test_a_reader_that_leaves_has_freed_its_place_when_it_goes_on_and_the_others_stay() -> None:
    steps = threading.Semaphore(1)
    async with counting(steps) as harness:
        leaver, other = harness.count(12), harness.count(3)
        assert await anext(leaver) == 1
        reading = asyncio.create_task(anext(other))
        await asyncio.sleep(0)
        leaving = asyncio.create_task(leaver.aclose())
        await asyncio.sleep(0)
        steps.release(1)  # the step that is under way is the only one it waits for
        await leaving
        assert harness.batch.dropped == [0]
        assert 0 not in harness.batch.running
        steps.release(PLENTY)
        assert await reading == 1
        assert [number async for number in other] == [2, 3]


@pytest.mark.parametrize("leaves", ["reader", "thread"])
async def test_a_long_step_can_look_up_whether_its_job_is_still_wanted(leaves: str) -> None:
    class Long(Counters):
        """Its second step lasts until it is not wanted any more."""

        def step(self) -> Iterable[tuple[int, int | Exception | Ended]]:
            checks.append("wanted")
            thread.check(0)
            if self.running[0][0] == 1:
                started.set()
                assert proceed.wait(30)
                try:
                    thread.check(0)
                except ReaderLeft:
                    checks.append("left")
                    return
            yield from super().step()

    started, proceed, checks = threading.Event(), threading.Event(), list[str]()
    thread: BatchThread[int, int, None] = BatchThread(lambda: (Long(), None), name="long", adapter="long")
    await thread.start()
    try:
        async with aclosing(thread.stream(12, buffer=PLENTY)) as reader:
            assert await anext(reader) == 1
            assert await call(started.wait, 30)
            ending = asyncio.create_task(reader.aclose() if leaves == "reader" else thread.aclose())
            await asyncio.sleep(0)
            proceed.set()
            await ending
    finally:
        proceed.set()
        await thread.aclose()
    assert checks == ["wanted", "wanted", "left"]


async def test_a_long_step_can_give_something_before_its_end() -> None:
    class Long(Counters):
        """A step gives something before it goes on."""

        def step(self) -> Iterable[tuple[int, int | Exception | Ended]]:
            thread.give(0, 100)
            assert proceed.wait(30)
            yield from super().step()

    proceed = threading.Event()
    thread: BatchThread[int, int, None] = BatchThread(lambda: (Long(), None), name="long", adapter="long")
    await thread.start()
    async with aclosing(thread), aclosing(thread.stream(1, buffer=PLENTY)) as reader:
        assert await anext(reader) == 100
        proceed.set()
        assert [number async for number in reader] == [1]


async def test_a_cancelled_reader_frees_its_place_however_often_it_is_cancelled() -> None:
    steps = threading.Semaphore(0)
    async with counting(steps) as harness:
        reader = asyncio.create_task(harness.counted(12))
        await asyncio.sleep(0)
        for _ in range(3):
            reader.cancel()
            await asyncio.sleep(0)
        steps.release(1)
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert not harness.batch.running


async def test_a_reader_that_leaves_more_than_its_buffer_is_let_down_and_the_others_are_not_held_up() -> None:
    async with counting() as harness:
        slow = harness.count(12, buffer=2)
        assert await anext(slow) == 1
        assert await harness.counted(12) == list(range(1, 13))
        with pytest.raises(UpstreamError, match="too slow"):
            async for _ in slow:
                pass
        assert not harness.batch.running


async def test_a_buffer_of_the_length_of_the_answer_is_enough_for_a_reader_that_does_not_read() -> None:
    async with counting() as harness:
        slow = harness.count(12, buffer=12)
        assert await anext(slow) == 1
        await harness.counted(12)
        assert [number async for number in slow] == list(range(2, 13))


async def test_when_the_thread_fails_every_reader_is_told_and_later_ones_too(caplog: pytest.LogCaptureFixture) -> None:
    steps = threading.Semaphore(0)
    async with counting(steps) as harness:
        readers = [asyncio.create_task(harness.counted(job)) for job in (12, 5, 99)]
        await asyncio.sleep(0)
        steps.release(PLENTY)
        for reader in readers:
            with pytest.raises(Unavailable, match=r"The counters engine cannot answer: it failed \(MemoryError\)"):
                await reader
        with pytest.raises(Unavailable, match="MemoryError"):
            await harness.counted(1)
        assert harness.thread.down == "it failed (MemoryError) and has to be restarted"
    assert harness.batch.closed == 1
    assert "MemoryError" in caplog.text
    assert SECRET not in caplog.text


async def test_what_make_raises_passes_unwrapped() -> None:
    def make() -> tuple[Counters, None]:
        raise LookupError("no model")

    thread: BatchThread[int, int, None] = BatchThread(make, name="counters", adapter="counters")
    with pytest.raises(LookupError, match="no model"):
        await thread.start()
    with pytest.raises(Unavailable, match="could not be started"):
        await anext(thread.stream(1, buffer=1))
    await thread.aclose()


async def test_closing_ends_open_streams_and_can_be_repeated() -> None:
    steps = threading.Semaphore(1)
    async with counting(steps) as harness:
        stream = harness.count(12)
        assert await anext(stream) == 1
        closing = asyncio.create_task(harness.thread.aclose())
        await asyncio.sleep(0)
        steps.release(1)
        await closing
        await harness.thread.aclose()
        assert not harness.batch.thread.is_alive()
        assert harness.batch.closed == 1
        with pytest.raises(Unavailable, match="has been shut down"):
            async for _ in stream:
                pass
        with pytest.raises(Unavailable, match="has been shut down"):
            await harness.counted(1)


async def test_closing_while_it_loads_leaves_it_closed() -> None:
    gate = threading.Event()

    def make() -> tuple[Counters, str]:
        gate.wait(30)
        return Counters(), "ready"

    thread: BatchThread[int, int, str] = BatchThread(make, name="counters", adapter="counters")
    starting = asyncio.create_task(thread.start())
    await asyncio.sleep(0)
    await thread.aclose()
    assert not starting.done()
    gate.set()
    assert await starting == "ready"
    assert thread.down == "it has been shut down"
    await thread.aclose()


async def test_who_no_longer_wants_it_does_not_wait_until_it_is_loaded() -> None:
    gate = threading.Event()
    made: list[Counters] = []

    def make() -> tuple[Counters, None]:
        gate.wait(30)
        made.append(Counters())
        return made[0], None

    thread: BatchThread[int, int, None] = BatchThread(make, name="counters", adapter="counters")
    starting = asyncio.create_task(thread.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await thread.aclose()
    assert not gate.is_set()
    gate.set()
    await thread.aclose()  # what was loaded for nobody is closed all the same
    while not (made and made[0].closed):
        await asyncio.sleep(0.001)
    assert made[0].closed == 1


async def test_closing_what_was_never_started_is_harmless() -> None:
    await Harness().thread.aclose()


async def test_the_loop_stays_free_while_the_thread_works() -> None:
    steps = threading.Semaphore(0)
    async with counting(steps) as harness:
        reader = asyncio.create_task(harness.counted(1))
        assert await call(lambda: "free") == "free"
        steps.release(1)
        assert await reader == [1]


def test_a_process_that_ends_while_it_loads_does_not_wait() -> None:
    script = (
        "import asyncio, time\n"
        "from adapters.blocking import BatchThread\n"
        "async def main():\n"
        "    thread = BatchThread(lambda: time.sleep(600), name='sleeper', adapter='sleeper')\n"
        "    starting = asyncio.create_task(thread.start())\n"
        "    await asyncio.sleep(0)\n"
        "    starting.cancel()\n"
        "    await thread.aclose()\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (130, "")


def test_a_process_that_ends_without_closing_it_ends_cleanly() -> None:
    script = (
        "import asyncio\n"
        "from tests.adapters.blocking.test_batches import Harness\n"
        "async def main():\n"
        "    harness = Harness()\n"
        "    await harness.start()\n"
        "    await anext(harness.count(12))\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
