"""Worker processes: answers, deaths, early leaving, timeouts."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from adapters.blocking import Limits, WorkerDied, WorkerPool, frames, worker_number
from adapters.blocking.worker_process import AHEAD
from adapters.contract.errors import TimedOut, TooLong, Unavailable, UpstreamError


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the worker processes that were started, in this order."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    ids: list[int] = []

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            ids.append(self.pid)

    monkeypatch.setattr("adapters.blocking.worker_process.subprocess.Popen", Popen)
    return ids


@asynccontextmanager
async def pool(*, size: int = 1, factory: str = "factory", limits: Limits | None = None) -> AsyncIterator[WorkerPool]:
    workers = WorkerPool(f"worker_jobs:{factory}", size=size, timeout=30, adapter="test", limits=limits or Limits())
    try:
        yield workers
    finally:
        await workers.aclose()


async def answer(workers: WorkerPool, payload: bytes) -> list[bytes]:
    async with aclosing(workers.stream(payload)) as items:
        return [item async for item in items]


async def pid(workers: WorkerPool) -> int:
    return int((await answer(workers, b"pid"))[0])


def running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def test_one_worker_answers_job_after_job() -> None:
    async with pool() as workers:
        first = await pid(workers)
        assert await answer(workers, b"a") == [b"a0", b"a1", b"a2"]
        assert await pid(workers) == first


async def test_no_process_starts_before_the_first_job_and_none_is_left_at_the_end() -> None:
    async with pool(size=2) as workers:
        await workers.warm_up()
        process = await pid(workers)
        assert running(process)
    assert not running(process)
    await workers.aclose()
    with pytest.raises(Unavailable, match="shut down"):
        await answer(workers, b"a")


async def test_the_worker_with_the_lowest_number_that_is_free_is_asked() -> None:
    async with pool(size=3) as workers:
        await workers.warm_up()
        assert [await answer(workers, b"number") for _ in range(3)] == [[b"0"]] * 3
        async with aclosing(workers.stream(b"number and hang")) as hanging:
            assert await anext(hanging) == b"0"
            async with aclosing(workers.stream(b"number and hang")) as other:
                assert await anext(other) == b"1"
                assert await answer(workers, b"number") == [b"2"]
        # The two that were left early are replaced; once the new ones have loaded, jobs go to the lowest number again.
        async with asyncio.timeout(30):
            while await answer(workers, b"number") != [b"0"]:
                await asyncio.sleep(0.01)
    assert worker_number() == 0


async def test_a_job_is_told_whether_others_are_worked_on() -> None:
    async with pool(size=2) as workers:
        await workers.warm_up()
        assert await answer(workers, b"alone") == [b"True"]
        async with aclosing(workers.stream(b"hang")) as hanging:
            await anext(hanging)
            assert await answer(workers, b"alone") == [b"False"]
            assert await workers.answer(b"alone") == b"False"
        assert await answer(workers, b"alone") == [b"True"]


async def test_jobs_run_side_by_side_and_do_not_mix() -> None:
    async with pool(size=2) as workers, aclosing(workers.stream(b"hang")) as hanging:
        hung = int(await anext(hanging))
        assert await answer(workers, b"a") == [b"a0", b"a1", b"a2"]
        assert await pid(workers) != hung


async def test_more_callers_than_workers_wait() -> None:
    async with pool() as workers:
        answers = await asyncio.gather(*(answer(workers, name) for name in (b"a", b"b", b"c")))
        assert answers == [[name + b"0", name + b"1", name + b"2"] for name in (b"a", b"b", b"c")]


async def test_printing_does_not_corrupt_the_frames() -> None:
    async with pool() as workers:
        assert await answer(workers, b"print") == [b"clean"]
        assert await answer(workers, b"print") == [b"clean"]


async def test_leaving_early_ends_the_worker_before_aclose_returns() -> None:
    async with pool() as workers:
        items = workers.stream(b"hang")
        process = int(await anext(items))
        await items.aclose()
        assert not running(process)
        assert await pid(workers) != process


async def test_leaving_early_is_little_work_for_the_event_loop() -> None:
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    async with pool() as workers:
        items = workers.stream(b"hang")
        await anext(items)
        sys.setprofile(count)
        try:
            await items.aclose()
        finally:
            sys.setprofile(None)
    assert 0 < calls < 20_000


async def test_after_an_early_leave_the_next_worker_is_there_before_the_next_job(started: list[int]) -> None:
    async with pool() as workers:
        async with aclosing(workers.stream(b"hang")) as items:
            await anext(items)
        _, replacement = started
        assert running(replacement)
        assert await pid(workers) == replacement
    assert not running(replacement)


async def test_a_worker_that_has_loaded_goes_before_one_that_is_loading(started: list[int]) -> None:
    async with pool(size=2) as workers:
        await workers.warm_up()
        async with aclosing(workers.stream(b"hang")) as items:
            hung = int(await anext(items))
        *loaded, loading = started
        assert loading != hung
        assert {await pid(workers)} == {*loaded} - {hung}


async def test_one_that_cannot_load_is_not_started_again(started: list[int]) -> None:
    async with pool(factory="broken") as workers:
        with pytest.raises(Unavailable):
            await answer(workers, b"a")
        assert len(started) == 1


async def test_nothing_starts_after_the_pool_was_closed(started: list[int]) -> None:
    async with pool() as workers:
        async with aclosing(workers.stream(b"hang")) as items:
            await anext(items)
            await workers.aclose()
        assert len(started) == 1


async def test_cancelling_twice_ends_the_worker_too() -> None:
    async with pool() as workers:
        items = workers.stream(b"hang")
        process = int(await anext(items))
        reader = asyncio.create_task(answer_rest(items))
        await asyncio.sleep(0)
        reader.cancel()
        await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert not running(process)
        assert await answer(workers, b"a") == [b"a0", b"a1", b"a2"]


async def answer_rest(items: AsyncIterator[bytes]) -> list[bytes]:
    return [item async for item in items]


async def test_cancelling_while_it_loads_leaves_no_process(started: list[int]) -> None:
    async with pool(factory="silent") as workers:
        reader = asyncio.create_task(answer(workers, b"a"))
        await asyncio.sleep(0)
        (process,) = started
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert not running(process)


async def test_a_worker_that_dies_is_replaced() -> None:
    async with pool() as workers:
        async with aclosing(workers.stream(b"die")) as items:
            assert await anext(items) == b"first"
            with pytest.raises(WorkerDied, match="ended unexpectedly") as raised:
                await anext(items)
        assert raised.value.adapter == "test"
        assert await answer(workers, b"a") == [b"a0", b"a1", b"a2"]


async def test_an_idle_worker_that_dies_is_replaced_unnoticed() -> None:
    async with pool() as workers:
        process = await pid(workers)
        os.kill(process, 9)
        while running(process):
            await asyncio.sleep(0.01)
        assert await pid(workers) != process


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
async def test_signals_that_are_sent_to_every_process_are_for_the_gateway(sent: signal.Signals) -> None:
    async with pool() as workers:
        process = await pid(workers)
        os.kill(process, sent)
        assert await pid(workers) == process


async def test_an_exception_fails_the_job_and_not_the_worker() -> None:
    async with pool() as workers:
        process = await pid(workers)
        with pytest.raises(UpstreamError, match="ValueError") as raised:
            await answer(workers, b"fail")
        assert "what the user said" not in str(raised.value)
        assert await pid(workers) == process


async def test_a_silent_worker_times_out_and_is_replaced() -> None:
    async with pool() as workers:
        process = await pid(workers)
        workers._timeout = 0.05
        with pytest.raises(TimedOut, match=r"within 0\.05 s"):
            await answer(workers, b"hang")
        assert not running(process)
        workers._timeout = 30
        assert await answer(workers, b"a") == [b"a0", b"a1", b"a2"]


async def test_a_factory_that_fails_makes_warm_up_fail() -> None:
    async with pool(size=2, factory="broken") as workers:
        with pytest.raises(Unavailable):
            await workers.warm_up()


async def test_frames_are_bounded_both_ways() -> None:
    async with pool() as workers:
        with pytest.raises(UpstreamError, match="BadFrame"):
            await answer(workers, b"huge")
        with pytest.raises(UpstreamError, match="larger than"):
            await answer(workers, bytes(frames.LIMIT + 1))
        assert await answer(workers, b"a") == [b"a0", b"a1", b"a2"]


async def test_closing_the_pool_ends_a_busy_worker() -> None:
    async with pool() as workers, aclosing(workers.stream(b"hang")) as items:
        process = int(await anext(items))
        await workers.aclose()
        assert not running(process)
        with pytest.raises(Unavailable):
            await anext(items)


async def test_a_slow_reader_holds_its_worker_up() -> None:
    async with pool() as workers, aclosing(workers.stream(b"flood")) as items:
        assert len(await anext(items)) == 100_000
        (worker,) = workers._busy
        while worker._replies.qsize() < AHEAD - 1:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert worker._replies.qsize() <= AHEAD
        rest = [len(item) async for item in items]
        assert rest == [100_000] * 199 + [3]


async def test_the_whole_answer_of_a_job() -> None:
    async with pool() as workers:
        assert await workers.answer(b"a") == b"a0a1a2"


async def test_pieces_of_an_answer_come_as_they_are_sent_and_do_not_keep_the_worker() -> None:
    async with pool(limits=Limits(unwanted_seconds=30)) as workers, aclosing(workers.pieces(b"halves")) as pieces:
        assert await anext(pieces) == b"first"
        assert workers._busy
        while workers._busy:
            await asyncio.sleep(0.01)
        assert await workers.answer(b"a") == b"a0a1a2"
        assert [piece async for piece in pieces] == [b"second"]


async def test_who_has_the_beginning_of_an_answer_gets_the_rest_from_the_worker_that_tries_it_again(
    tmp_path: Path,
) -> None:
    async with pool() as workers, aclosing(workers.pieces(b"die once", bytes(tmp_path / "died"))) as pieces:
        assert [piece async for piece in pieces] == [b"begin", b"ning", b"end"]


async def test_a_job_longer_than_a_pipe_that_its_caller_leaves_ends_its_worker(started: list[int]) -> None:
    async with pool() as workers:
        await workers.warm_up()
        os.kill(started[0], signal.SIGSTOP)
        job = asyncio.create_task(workers.answer(bytes(1024 * 1024)))
        while not workers._busy:
            await asyncio.sleep(0.01)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert not running(started[0])
        assert await workers.answer(b"a") == b"a0a1a2"


async def test_a_job_does_not_suffer_from_what_an_earlier_one_did_to_the_process() -> None:
    async with pool(size=2) as workers:
        assert await workers.answer(b"poison") == b"done"
        assert await workers.answer(b"a") == b"a0a1a2"


async def test_a_job_that_ends_every_process_is_tried_twice_and_no_process_too_many_is_left() -> None:
    async with pool(size=2) as workers:
        await workers.warm_up()
        with pytest.raises(WorkerDied):
            await workers.answer(b"die")
        assert len(workers._idle) == 2
        assert await workers.answer(b"a") == b"a0a1a2"


async def left_early(workers: WorkerPool, payload: bytes) -> None:
    """Ask for an answer and leave once a worker has the job."""
    job = asyncio.create_task(workers.answer(payload))
    while not workers._busy:
        await asyncio.sleep(0.01)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job


async def test_who_leaves_an_answer_early_ends_its_worker(started: list[int]) -> None:
    async with pool() as workers:
        await workers.warm_up()
        await left_early(workers, b"short")
        first, second = started
        assert not running(first)
        assert await pid(workers) == second


async def test_a_short_job_that_nobody_waits_for_ends_by_itself(started: list[int]) -> None:
    async with pool(limits=Limits(unwanted_seconds=30)) as workers:
        process = await pid(workers)
        await left_early(workers, b"short")
        assert workers._busy, "the caller does not wait for the rest"
        assert await workers.answer(b"a") == b"a0a1a2"
        assert started == [process]


async def test_one_that_takes_too_long_ends_its_worker(started: list[int]) -> None:
    async with pool(limits=Limits(unwanted_seconds=0.1)) as workers:
        process = await pid(workers)
        await left_early(workers, b"hang")
        assert await workers.answer(b"a") == b"a0a1a2"
        assert len(started) == 2
        assert not running(process)


async def test_a_caller_that_leaves_while_it_waits_leaves_no_job() -> None:
    async with pool(limits=Limits(unwanted_seconds=30)) as workers, aclosing(workers.stream(b"hang")) as hanging:
        await anext(hanging)
        waiting = asyncio.create_task(workers.answer(b"die"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await hanging.aclose()
        assert not workers._answers
        assert await workers.answer(b"a") == b"a0a1a2"


async def test_closing_the_pool_ends_what_nobody_waits_for() -> None:
    async with pool(limits=Limits(unwanted_seconds=30)) as workers:
        process = await pid(workers)
        await left_early(workers, b"hang")
        await workers.aclose()
        assert not running(process)
        assert not workers._answers


async def test_a_refusal_passes_as_it_was_raised() -> None:
    async with pool() as workers:
        process = await pid(workers)
        with pytest.raises(TooLong) as raised:
            await workers.answer(b"refuse")
        error = raised.value
        assert (error.message, error.adapter) == ("That is too long.", "test")
        assert (error.param, error.code) == ("audio", "audio_too_long")
        assert await pid(workers) == process


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the memory of a process")
async def test_memory_is_bounded() -> None:
    async with pool(limits=Limits(memory_bytes=256 * 1024 * 1024)) as workers:
        process = await pid(workers)
        with pytest.raises(UpstreamError, match="MemoryError"):
            await workers.answer(b"hoard")
        assert await pid(workers) == process


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not bound the processor time of a process")
async def test_processor_time_is_bounded_for_each_piece() -> None:
    async with pool(limits=Limits(cpu_seconds=1)) as workers:
        async with aclosing(workers.stream(b"spin")) as items:
            assert await anext(items) == b"first"
            with pytest.raises(TimedOut, match="more than 1 s of processor time"):
                await anext(items)
        assert await workers.answer(b"a") == b"a0a1a2"


GATEWAY = """
import asyncio
from contextlib import aclosing
from adapters.blocking import WorkerPool

async def main():
    workers = WorkerPool("worker_jobs:factory", size=2, timeout=60, adapter="test")
    await workers.warm_up()
    async with aclosing(workers.stream(b"hang")) as items:
        await anext(items)
        print("busy", flush=True)
        await anext(items)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a busy worker ends after its job")
def test_workers_end_with_the_process_that_started_them() -> None:
    # The workers hold the other end of standard error as well: it closes when the last of them has ended.
    command = [sys.executable, "-c", GATEWAY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as gateway:
        assert gateway.stdout is not None
        assert gateway.stdout.readline() == b"busy\n"
        gateway.send_signal(signal.SIGKILL)
        assert gateway.communicate(timeout=30) == (b"", b"")
