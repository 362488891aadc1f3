"""Keeps worker processes and runs jobs in them; when a reader leaves a job early, the worker is replaced."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from itertools import count

from adapters.blocking import frames
from adapters.blocking.limits import UNLIMITED, Limits
from adapters.blocking.threads import outlast
from adapters.blocking.worker_process import WorkerDied, WorkerProcess
from adapters.contract.errors import TimedOut, Unavailable, UpstreamError

Send = Callable[[bytes], None]
"""Sends the next piece of an answer; blocks while the gateway has not read the pieces before."""

Work = Callable[[bytes, Send], bytes]
"""Answers a job: sends the pieces that are ready before the end, and returns the last one, which may be empty."""


class WorkerPool:
    """``size`` processes that each load ``target`` once and answer one job at a time.

    ``target`` names a factory as ``package.module:factory``; called in the worker with ``arguments``, it loads the
    model and returns the ``Work`` that answers jobs. ``timeout`` is the longest wait in
    seconds for the next piece of an answer, loading included; ``limits`` bound each process. ``adapter`` is the name
    that errors carry. A job goes to the free worker with the lowest number and is told whether it
    is the only one (see ``adapters.blocking.share``).
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
        self._answers: set[asyncio.Task[None]] = set()
        self._unwanted: set[asyncio.Task[None]] = set()  # those whose callers have left
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
                    async with aclosing(self._use(worker, worker.load())) as loading:
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
        """The whole answer of one job, joined; raises as ``stream`` does, and otherwise is as ``pieces``."""
        async with aclosing(self.pieces(*payload)) as pieces:
            return b"".join([piece async for piece in pieces])

    async def pieces(self, *payload: bytes) -> AsyncGenerator[bytes, None]:
        """The answer of one short job, of at most ``frames.LIMIT`` bytes, piece by piece; raises as ``stream`` does.

        A job whose worker dies is tried once more, in the process that was started in its place: what an earlier job
        did to the memory of the first one may have ended it. The same job must have the same answer.
        A caller that leaves early ends its worker, as with ``stream``, unless ``limits`` let the job end by itself.
        """
        await self._places.acquire()
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        job = asyncio.create_task(self._tried(pieces.put_nowait, *payload))
        self._answers.add(job)
        job.add_done_callback(self._answered)
        job.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            job.result()
        finally:
            if not job.done():
                await self._leave(job)

    async def _tried(self, give: Callable[[bytes], None], *payload: bytes) -> None:
        given = 0
        for newest in (False, True):
            known = given  # bytes that the caller has from the first try
            try:
                async with aclosing(self._run(self._take(newest=newest), *payload)) as items:
                    async for item in items:
                        rest, known = item[known:], max(0, known - len(item))
                        given += len(rest)
                        if given > frames.LIMIT:
                            raise frames.BadFrame(f"An answer has more than the {frames.LIMIT} bytes allowed.")
                        give(rest)
            except WorkerDied:
                if newest:
                    raise
            else:
                return

    def _answered(self, job: "asyncio.Task[None]") -> None:
        self._answers.discard(job)
        self._unwanted.discard(job)
        self._places.release()
        if not job.cancelled():
            job.exception()  # marks it as retrieved: its caller may have left

    async def _leave(self, job: "asyncio.Task[None]") -> None:
        """Let a job that nobody waits for end by itself, or end its worker."""
        if self._limits.unwanted_seconds:
            self._unwanted.add(job)
            asyncio.get_running_loop().call_later(self._limits.unwanted_seconds, job.cancel)
        else:
            job.cancel()
            await outlast(job.done, lambda: asyncio.wait([job]))

    def _run(self, worker: WorkerProcess, *payload: bytes) -> AsyncGenerator[bytes, None]:
        return self._use(worker, worker.answer(*payload, alone=not self._busy))

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
            worker.close_input()
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

    async def _use(self, worker: WorkerProcess, answer: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The ``answer`` that is read from ``worker``; afterwards the worker is idle, or replaced."""
        self._busy.add(worker)
        try:
            async with aclosing(answer) as items:
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
