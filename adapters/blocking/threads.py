"""Runs blocking functions and iterators in threads for readers on the event loop."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 16
"""How many calls run at once; further calls wait for a free thread."""

_log = logging.getLogger(__name__)


async def call(function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """Run ``function`` in a thread; returns what it returns and raises what it raises.

    If this is cancelled before the function has started, the function never runs; if it is cancelled later, it waits
    until the function has ended, so that no work goes on unobserved.
    """
    return await _run_in(_pool, function, *arguments, **keywords)


async def call_in_turn(function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """As ``call``, one function after the other in a thread of their own: for those that hold the interpreter's lock.

    Several of them at once would not be faster, and the event loop would have to wait for all of them.
    """
    return await _single.call(function, *arguments, **keywords)


class SerialThread:
    """One thread, started when it is first needed, that runs functions one after the other."""

    def __init__(self, name: str) -> None:
        self._pool = _ThreadPool(1, name)
        self.waiting = 0
        """Calls that have not ended."""

    async def call(self, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """As the function ``call``, in this thread."""
        self.waiting += 1
        try:
            return await _run_in(self._pool, function, *arguments, **keywords)
        finally:
            self.waiting -= 1

    def end(self) -> None:
        """End the thread after the calls that wait; nothing may be called after this."""
        self._pool.end_one()


class WaitingThreads:
    """At most ``limit`` threads for functions that only wait, such as for the network, and have no effects.

    Who is cancelled does not wait until its function has ended, which takes as long as it takes; further calls wait for
    a free thread.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._pool = _ThreadPool(limit, name)

    async def call(self, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """Run ``function`` in a thread; returns what it returns and raises what it raises."""
        return await asyncio.wrap_future(self._pool.submit(lambda: function(*arguments, **keywords)))


async def _run_in(pool: "_ThreadPool", function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    context = copy_context()
    job = pool.submit(lambda: context.run(function, *arguments, **keywords))
    ended = asyncio.wrap_future(job)
    try:
        await asyncio.wait([ended])
    except asyncio.CancelledError:
        if not job.cancel():
            try:
                await outlast(ended.done, lambda: asyncio.wait([ended]))
            finally:
                ended.exception()  # marks it as retrieved: nobody is left to raise it to
        raise
    return ended.result()


async def iterate(make: Callable[[], Iterator[T]], *, ahead: int) -> AsyncGenerator[T, None]:
    """Read the iterator that ``make`` returns in a thread of its own, which keeps ``ahead`` (1 or more) items ready.

    Exceptions of the iterator pass unchanged. When the reader leaves early, the iterator finishes its current item and
    is closed before this returns.
    """
    loop = asyncio.get_running_loop()
    items: asyncio.Queue[tuple[T] | None] = asyncio.Queue()  # bounded by `ahead`: the thread waits for `room`
    ended: asyncio.Future[BaseException | None] = loop.create_future()
    room = threading.Semaphore(ahead)
    left = threading.Event()

    def finish(error: BaseException | None) -> None:
        ended.set_result(error)
        items.put_nowait(None)

    def run() -> None:
        error: BaseException | None = None
        try:
            for item in _until_left(make, room, left):
                loop.call_soon_threadsafe(items.put_nowait, (item,))
        except BaseException as failure:  # noqa: BLE001 - it is raised to the reader
            error = failure
        loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=copy_context().run, args=(run,), name="iterate", daemon=True).start()
    try:
        while (item := await items.get()) is not None:
            room.release()
            yield item[0]
    finally:
        if not ended.done():
            await _leave(ended, room, left)
    error = ended.result()
    if error is not None:
        raise error


def _until_left(make: Callable[[], Iterator[T]], room: threading.Semaphore, left: threading.Event) -> Iterator[T]:
    """The items of the iterator, each started only when there is ``room``, until the reader has ``left``."""
    iterator = make()
    try:
        while room.acquire() and not left.is_set():
            try:
                item = next(iterator)
            except StopIteration:
                return
            yield item
    finally:
        close: Callable[[], object] | None = getattr(iterator, "close", None)
        if close is not None:
            close()


async def _leave(ended: asyncio.Future[BaseException | None], room: threading.Semaphore, left: threading.Event) -> None:
    """Tell the thread that its reader has left and wait until it has ended."""
    left.set()
    room.release()
    try:
        await outlast(ended.done, lambda: asyncio.wait([ended]))
    finally:
        # An error this late has no reader; its text may contain what a user said.
        if (error := ended.result()) is not None:
            _log.warning("A blocking iterator failed while it was being closed: %s.", type(error).__name__)


async def outlast(done: Callable[[], bool], wait: Callable[[], Awaitable[object]]) -> None:
    """Await ``wait()`` until ``done()``; cancellations in the meantime are held back and raised at the end."""
    cancelled: asyncio.CancelledError | None = None
    while not done():
        try:
            await wait()
        except asyncio.CancelledError as cancellation:
            cancelled = cancellation
    if cancelled is not None:
        raise cancelled


class _ThreadPool:
    """Daemon threads, started when needed: unlike ``ThreadPoolExecutor``, they do not delay the interpreter's exit."""

    def __init__(self, limit: int, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._unstarted = limit

    def submit(self, function: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._jobs.put((future, function))
        with self._lock:
            if not self._idle.acquire(blocking=False) and self._unstarted:
                self._unstarted -= 1
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return future

    def end_one(self) -> None:
        """End one of the threads once there is nothing else to do."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._run(*job)
            del job  # else what it worked on, and its result, would be kept until the next one
            self._idle.release()

    @staticmethod
    def _run(future: Future[T], function: Callable[[], T]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - it is raised to the caller
            future.set_exception(error)
        else:
            future.set_result(result)


_pool = _ThreadPool(THREADS, "call")
_single = SerialThread("call in turn")
