"""The only module that starts tasks: streams that run ahead of their reader, races, work that outlives a request."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import Any, Generic, TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)

CLOSING_SECONDS = 10.0
"""How long closing a stream may take before it is abandoned, with a line in the log."""


class DeadlineExceeded(Exception):
    """The deadline passed before there was a result."""


class MergedStream(AsyncIterator[T], Generic[T]):
    """The items of running streams in order of arrival; a stream's failure is raised in its place among them."""

    def __init__(self, running: int, buffer: int) -> None:
        self._items: deque[tuple[asyncio.Semaphore, T | None, BaseException | None]] = deque()
        self._changed = asyncio.Event()
        self._running = running
        self._buffer = buffer
        self._timer: asyncio.TimerHandle | None = None

    async def pump(self, source: AsyncGenerator[T, None]) -> None:
        """Move the items of ``source`` here, never more than the buffer ahead of the reader."""
        room = asyncio.Semaphore(self._buffer)
        try:
            async with aclosing(source):
                await room.acquire()
                async for item in source:
                    self._put(room, item, None)
                    await room.acquire()
        except Exception as error:  # noqa: BLE001  raised again where the reader is
            self._put(room, None, error)
        except asyncio.CancelledError:
            if not _cancelled():  # the source cancelled itself: to the reader that must not look like the end
                self._put(room, None, RuntimeError("a stream cancelled itself"))
            raise
        finally:
            self._running -= 1
            self._changed.set()

    def _put(self, room: asyncio.Semaphore, item: T | None, error: BaseException | None) -> None:
        self._items.append((room, item, error))
        self._changed.set()

    def fail_at(self, when: float, error: Exception) -> None:
        """Raise ``error`` at the reader, after what came before, at the loop's time ``when``; one timer for all."""
        self._timer = asyncio.get_running_loop().call_at(when, self._put, asyncio.Semaphore(), None, error)

    def stop(self) -> None:
        """Stop the timer: nothing is read any more."""
        if self._timer is not None:
            self._timer.cancel()

    async def __anext__(self) -> T:
        """The next item; cancelling this wait loses nothing."""
        while not self._items:
            if not self._running:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        room, item, error = self._items.popleft()
        if error is not None:
            raise error
        room.release()
        return item  # type: ignore[return-value]  # an entry without an error holds an item


async def with_deadline(deadline: float, awaitable: Awaitable[T]) -> T:
    """The result of ``awaitable``, which is cancelled at the loop's time ``deadline``. Raises ``DeadlineExceeded``."""
    limit = asyncio.timeout_at(deadline)
    try:
        async with limit:
            return await awaitable
    except TimeoutError:
        if limit.expired():
            raise DeadlineExceeded from None
        raise


@asynccontextmanager
async def merged(*sources: AsyncGenerator[T, None], buffer: int) -> AsyncGenerator[MergedStream[T], None]:
    """Run every source in a task of its own, at most ``buffer`` items ahead of the reader, and read them as one stream.

    Errors pass unwrapped. Leaving the block cancels what still runs and waits until all sources are closed.
    """
    items: MergedStream[T] = MergedStream(len(sources), buffer)
    tasks = [asyncio.create_task(items.pump(source)) for source in sources]
    try:
        yield items
    finally:
        items.stop()
        try:
            await _ended(tasks)
        finally:
            for source, task in zip(sources, tasks, strict=True):
                if task.done():  # a pump that was cancelled before its first step has not closed its source
                    await source.aclose()


async def race(*contenders: Coroutine[Any, Any, T]) -> T:
    """Run all until the first ends, and give its result or raise its error; the others are cancelled and waited for."""
    tasks = [asyncio.create_task(contender) for contender in contenders]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _ended(tasks)
    return next(task for task in tasks if task in done).result()


def run_among(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run ``work`` in a task that is one of ``tasks`` until it ends; who holds the set waits for it, or cancels it."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


@asynccontextmanager
async def background() -> AsyncGenerator[Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]], None]:
    """A lifetime: ``start(coroutine)`` runs work that nobody waits for in a task; leaving cancels what still runs."""
    tasks: set[asyncio.Task[None]] = set()

    def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(ended)
        return task

    def ended(task: asyncio.Task[None]) -> None:
        if task in tasks:  # else it was ended on leaving, which names its failure
            tasks.discard(task)
            _name_failure(task)

    try:
        yield start
    finally:
        running = list(tasks)
        tasks.clear()
        await _ended(running)


def _cancelled() -> bool:
    """Whether the current task was asked to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel ``tasks`` and wait until they have cleaned up, also when this wait is itself cancelled meanwhile."""
    unfinished = [task for task in tasks if not task.done()]
    for task in unfinished:
        task.cancel()
    deadline = asyncio.get_running_loop().time() + CLOSING_SECONDS
    interrupted = False
    pending = set(unfinished)
    while pending:
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0:
            logger.error("%d streams did not close within %g s and were abandoned", len(pending), CLOSING_SECONDS)
            break
        try:
            _, pending = await asyncio.wait(pending, timeout=left)
        except asyncio.CancelledError:
            interrupted = True
            pending = {task for task in pending if not task.done()}
    for task in unfinished:
        if task.done():
            _name_failure(task)
    if interrupted:
        raise asyncio.CancelledError


def _name_failure(task: asyncio.Task[Any]) -> None:
    """Log a failure that has no reader any more; the class only, because a message may quote what people said."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("failed while closing: %s", type(error).__name__)
