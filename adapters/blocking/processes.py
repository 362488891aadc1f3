"""Keeps worker processes and runs jobs in them; when a reader leaves a job early, the worker is replaced."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from itertools import count

from adapters.blocking import frames
from adapters.blocking.limits import UNLIMITED, Limits
from adapters.blocking.threads import iterate, outlast
from adapters.blocking.worker_process import WorkerDied, WorkerProcess
from adapters.contract.errors import TimedOut, Unavailable, UpstreamError

AHEAD = 2


class WorkerPool:
    """``size`` processes that each load ``target`` once and answer one job at a time.

    ``target`` names a factory as ``package.module:factory``; called in the worker with ``arguments``, it loads the
    model and returns a function from a job's bytes to an iterator of answers' bytes. ``timeout`` is the longest wait in
    seconds for the next piece of an answer, loading included; ``limits`` bound each process. ``adapter`` is the name
    that errors carry. A job goes to the free worker with the lowest number (see ``adapters.blocking.number``).
    """

    def __init__(
        self, target: str, *arguments: str, size: int, timeout: float, adapter: str, limits: Limits = UNLIMITED
    ) -> None:
        self._target = (target, *arguments)
        self._limits = limits
        self._size = size
        self._timeout = timeout
        self._adapter = adapter
        self._places = asyncio.Semaphore(size)
        self._answers: set[asyncio.Task[bytes]] = set()
        self._unwanted: set[asyncio.Task[bytes]] = set()  # those whose callers have left
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._closed = False

    async def warm_up(self) -> None:
        """Start all workers and wait until they have loaded. Raises ``Unavailable`` when one cannot."""
        # All are started before the first is waited for, so that they load in parallel.
        while len(self._idle) + len(self._busy) < self._size:
            self._idle.append(self._start())
        while worker := next((worker for worker in self._idle if not worker.loaded), None):
            async with self._places:
                if worker in self._idle:
                    self._idle.remove(worker)
                    async with aclosing(self._use(worker, worker.load)) as loading:
                        async for _ in loading:
                            pass

    async def stream(self, *payload: bytes) -> AsyncGenerator[bytes, None]:
        """Run one job, whose bytes are those of ``payload`` joined, as soon as a worker is free.

        After leaving early, when ``aclose()`` returns, the worker process has ended and another one is loading.
        Raises ``WorkerDied`` when the worker dies, ``TimedOut`` when it sends nothing for too long or takes too much
        processor time, ``InvalidRequest`` when the job raises it there, and ``UpstreamError`` when the job raises
        another exception.
        """
        async with self._places, aclosing(self._run(self._take(), *payload)) as answer:
            async for item in answer:
                yield item

    async def answer(self, *payload: bytes) -> bytes:
        """The whole answer of one job, joined; raises as ``stream`` does.

        A job whose worker dies is tried once more, in the process that was started in its place: what an earlier job
        did to the memory of the first one may have ended it.
        A caller that leaves early ends its worker, as with ``stream``, unless ``limits`` let the job end by itself.
        """
        await self._places.acquire()
        job = asyncio.create_task(self._tried(*payload))
        self._answers.add(job)
        job.add_done_callback(self._answered)
        try:
            return await asyncio.shield(job)
        finally:
            if not job.done():
                await self._leave(job)

    async def _tried(self, *payload: bytes) -> bytes:
        try:
            return await self._whole(self._take(), *payload)
        except WorkerDied:
            return await self._whole(self._take(newest=True), *payload)

    def _answered(self, job: "asyncio.Task[bytes]") -> None:
        self._answers.discard(job)
        self._unwanted.discard(job)
        self._places.release()
        if not job.cancelled():
            job.exception()  # marks it as retrieved: its caller may have left

    async def _leave(self, job: "asyncio.Task[bytes]") -> None:
        """Let a job that nobody waits for end by itself, or end its worker."""
        if self._limits.unwanted_seconds:
            self._unwanted.add(job)
            asyncio.get_running_loop().call_later(self._limits.unwanted_seconds, job.cancel)
        else:
            job.cancel()
            await outlast(job.done, lambda: asyncio.wait([job]))

    async def _whole(self, worker: WorkerProcess, *payload: bytes) -> bytes:
        async with aclosing(self._run(worker, *payload)) as items:
            return b"".join([item async for item in items])

    def _run(self, worker: WorkerProcess, *payload: bytes) -> AsyncGenerator[bytes, None]:
        return self._use(worker, lambda: worker.answer(*payload))

    async def aclose(self) -> None:
        """End all workers, busy ones too; harmless when repeated."""
        self._closed = True
        idle, self._idle = self._idle, []
        for worker in [*idle, *self._busy]:
            worker.kill()
        for worker in idle:
            await worker.end()
        for worker in list(self._busy):
            await worker.dead()
        if self._answers:
            await asyncio.wait(self._answers)

    def _take(self, *, newest: bool = False) -> WorkerProcess:
        while self._idle:
            worker = self._idle[0] if newest else min(self._idle, key=lambda each: (not each.is_ready, each.number))
            self._idle.remove(worker)
            if worker.alive:
                return worker
            worker.close_pipes()
        return self._start()

    def _start(self) -> WorkerProcess:
        if self._closed:
            raise Unavailable(f"The {self._adapter} engine has been shut down.", adapter=self._adapter)
        try:
            taken = {worker.number for worker in (*self._idle, *self._busy)}
            number = next(number for number in count() if number not in taken)
            return WorkerProcess(number, self._target, self._adapter, self._limits)
        except OSError as error:
            raise Unavailable(
                f"A worker process of {self._adapter} cannot be started; repeat the request.", adapter=self._adapter
            ) from error

    async def _use(self, worker: WorkerProcess, make: Callable[[], Iterator[bytes]]) -> AsyncGenerator[bytes, None]:
        """What ``make``, reading from ``worker``, yields; afterwards the worker is idle, or replaced."""
        self._busy.add(worker)
        try:
            async with aclosing(iterate(make, ahead=AHEAD, interrupt=worker.kill)) as items:
                while (item := await self._next(items)) is not None:
                    yield item
        except frames.BadFrame as error:
            raise UpstreamError(f"The {self._adapter} engine failed: {error}", adapter=self._adapter) from error
        finally:
            try:
                if worker.reusable and not self._closed:
                    self._idle.append(worker)
                else:
                    await self._replace(worker)
            finally:
                self._busy.discard(worker)

    async def _replace(self, worker: WorkerProcess) -> None:
        """End ``worker`` and start another one, unless it failed to load: the next one would fail too."""
        wanted = worker.loaded or worker.killed
        try:
            await worker.end()
        finally:
            if wanted and not self._closed:
                self._busy.discard(worker)  # its number is free
                with suppress(Unavailable):  # the next job tries again, and reports it
                    self._idle.insert(0, self._start())

    async def _next(self, items: AsyncGenerator[bytes, None]) -> bytes | None:
        try:
            async with asyncio.timeout(self._timeout):
                return await anext(items, None)
        except TimeoutError:
            raise TimedOut(
                f"The {self._adapter} engine did not answer within {self._timeout:g} s.", adapter=self._adapter
            ) from None
