"""One thread that serves many readers at once: it drives a batch of jobs, one step for all of them at a time."""

import asyncio
import atexit
import logging
import os
import sys
import threading
import traceback
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from itertools import count
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from adapters.blocking.threads import outlast
from adapters.contract.errors import Unavailable, UpstreamError

T = TypeVar("T")
Job = TypeVar("Job")
Item = TypeVar("Item")
Ready = TypeVar("Ready")
Job_contra = TypeVar("Job_contra", contravariant=True)
Item_co = TypeVar("Item_co", covariant=True)

EXIT_SECONDS = 10
"""How long the interpreter's exit waits for the current step of a thread."""

LOADING_EXIT_SECONDS = 1
"""How long it waits for a thread that is still in ``make``, which may take minutes."""

_NOT_STARTED = "it was not started"
_SHUT_DOWN = "it has been shut down"
_INTERRUPTED = 130  # the exit status after Ctrl-C

_log = logging.getLogger(__name__)


class Ended(msgspec.Struct, frozen=True):
    """The job of this key is complete."""


class ReaderLeft(Exception):
    """Nobody waits for this job any more: its reader has left, or the thread is to end."""


class Batch(Protocol[Job_contra, Item_co]):
    """Jobs that advance together, all in one thread."""

    def add(self, key: int, job: Job_contra) -> None:
        """Add a job. An exception is passed to the job's reader, and the job is then not in the batch."""

    def drop(self, key: int) -> None:
        """Remove the job ``key``, which is in the batch: its reader has left."""

    def step(self) -> Iterable[tuple[int, Item_co | Exception | Ended]]:
        """Advance every job once; called while there are any.

        Yields, by key, the items, the error of a job, or that a job has ended; a job with an error or an end has left
        the batch. An exception ends the thread.
        """

    def close(self) -> None:
        """Release everything: the thread ends. Called once and last, also after a failure."""


class BatchThread(Generic[Job, Item, Ready]):
    """Drives a batch in a thread of its own; ``adapter`` is the name that errors carry.

    ``make``, called in that thread, returns the batch, and what ``start`` returns about it. The batch stays in the
    thread; the rest is kept as long as this object.
    """

    def __init__(self, make: Callable[[], tuple[Batch[Job, Item], Ready]], *, name: str, adapter: str) -> None:
        self._make = make
        self._adapter = adapter
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name=name, daemon=True)
        self._made: Future[tuple[Ready] | BaseException] = Future()
        self._ended: Future[None] = Future()
        self._keys = count()
        self._changed = threading.Condition()
        # Under the lock of `_changed`:
        self._down: str | None = _NOT_STARTED
        self._new: list[tuple[_Reader[Item], Job]] = []
        # Only in the thread:
        self._readers: dict[int, _Reader[Item]] = {}

    @property
    def down(self) -> str | None:
        """Why it does not serve readers, in a few words; ``None`` while it does."""
        return self._down

    async def start(self) -> Ready:
        """Start the thread, wait until ``make`` has returned there, and return what it says; its exceptions pass.

        May be called once. When cancelled it leaves the thread behind, because a download cannot be stopped and may
        take long; the batch that ``make`` returns after that is closed at once.
        """
        atexit.register(self._exit)
        self._thread.start()
        try:
            await asyncio.wait([asyncio.wrap_future(self._made)])
        except asyncio.CancelledError:
            self._stop(_SHUT_DOWN)
            raise
        made = self._made.result()
        if isinstance(made, BaseException):
            raise made
        return made[0]

    async def stream(self, job: Job, *, buffer: int) -> AsyncGenerator[Item, None]:
        """The items of ``job``; at most ``buffer`` of them wait for the reader, and more end the job with an error.

        When ``aclose()`` returns, also after a cancellation, the job has left the batch.
        Raises what the batch raises for this job; ``Unavailable`` when the thread is down or goes down;
        ``UpstreamError`` when the buffer is full.
        """
        reader: _Reader[Item] = _Reader(next(self._keys), buffer)
        with self._changed:
            if self._down is not None:
                raise self._unavailable()
            self._new.append((reader, job))
            self._changed.notify()
        try:
            while (item := await reader.items.get()) is not None:
                reader.room.release()
                yield item[0]
        finally:
            reader.left = True
            await outlast(reader.ended.done, lambda: asyncio.wait([reader.ended]))
        error = reader.ended.result()
        if error is not None:
            raise error

    def check(self, key: int) -> None:
        """Raise ``ReaderLeft`` when nobody waits for the job ``key``, which is in the batch, any more.

        For the batch, in the thread only: a long ``step`` calls it so that it can end early.
        """
        if self._down is not None or self._readers[key].left:
            raise ReaderLeft

    def give(self, key: int, item: Item) -> None:
        """Pass an item of the job ``key``, which is in the batch, to its reader at once.

        For the batch, in the thread only: a long ``step`` calls it so that the reader need not wait for its end.
        """
        self._deliver(self._readers[key], item)

    async def aclose(self) -> None:
        """End the thread after its current step; open streams raise ``Unavailable``. Harmless when repeated.

        A thread that is still in ``make`` is left behind.
        """
        self._stop(_SHUT_DOWN)
        if self._made.done():
            await _settled(self._ended)
            self._thread.join()
            atexit.unregister(self._exit)

    def _exit(self) -> None:
        self._stop(_SHUT_DOWN)
        self._thread.join(EXIT_SECONDS if self._made.done() else LOADING_EXIT_SECONDS)
        if self._thread.is_alive():
            # A thread in native code aborts the process when the interpreter ends ("terminate called without …").
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(_INTERRUPTED)

    def _stop(self, reason: str) -> None:
        with self._changed:
            self._down = reason
            self._changed.notify()

    def _unavailable(self) -> Unavailable:
        return Unavailable(f"The {self._adapter} engine cannot answer: {self._down}.", adapter=self._adapter)

    def _run(self) -> None:
        try:
            batch, ready = self._make()
        except BaseException as error:  # noqa: BLE001 - start() raises it
            self._stop("it could not be started")
            self._made.set_result(error)
        else:
            with self._changed:
                if self._down is _NOT_STARTED:
                    self._down = None
            self._made.set_result((ready,))
            self._work(batch)
            with suppress(Exception):  # it has failed, or it is not wanted any more
                batch.close()
            del batch  # freed in this thread, before anybody learns that it has ended
        self._ended.set_result(None)

    def _work(self, batch: Batch[Job, Item]) -> None:
        try:
            while self._down is None:
                self._round(batch)
        except BaseException as error:  # noqa: BLE001 - every reader is told
            # The place is worth logging; the exception's text may contain what a user said.
            place = "".join(traceback.format_tb(error.__traceback__))
            _log.error("The engine %s is down: its thread failed (%s).\n%s", self._adapter, type(error).__name__, place)
            self._stop(f"it failed ({type(error).__name__}) and has to be restarted")
        with self._changed:
            waiting = [*self._readers.values(), *(reader for reader, _ in self._new)]
            self._new.clear()
        for reader in waiting:
            reader.end(self._unavailable())
        self._readers.clear()

    def _round(self, batch: Batch[Job, Item]) -> None:
        """Wait for work, add new jobs, drop those whose reader has left, and advance the rest by one step."""
        with self._changed:
            self._changed.wait_for(lambda: self._down or self._new or self._readers)
            new, self._new = self._new, []
        for reader, job in new:
            self._add(batch, reader, job)
        for reader in [reader for reader in self._readers.values() if reader.left or reader.failure]:
            batch.drop(reader.key)
            del self._readers[reader.key]
            reader.end(None)
        if self._readers and self._down is None:
            for key, result in batch.step():
                self._deliver(self._readers[key], result)

    def _add(self, batch: Batch[Job, Item], reader: "_Reader[Item]", job: Job) -> None:
        self._readers[reader.key] = reader
        try:
            batch.add(reader.key, job)
        except Exception as error:  # noqa: BLE001 - it is raised to its reader
            del self._readers[reader.key]
            reader.end(error)

    def _deliver(self, reader: "_Reader[Item]", result: Item | Exception | Ended) -> None:
        if isinstance(result, Exception | Ended):
            del self._readers[reader.key]
            reader.end(result if isinstance(result, Exception) else None)
        elif not reader.room.acquire(blocking=False):
            reader.failure = reader.failure or UpstreamError(
                f"The reader of an answer of {self._adapter} was too slow: its buffer is full.", adapter=self._adapter
            )
        elif reader.failure is None:
            reader.give(result)


class _Reader(Generic[Item]):
    """The reader of one job on the event loop, and what the thread has for it."""

    def __init__(self, key: int, buffer: int) -> None:
        self.key = key
        self.room = threading.Semaphore(buffer)
        self.left = False
        self.failure: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self.items: asyncio.Queue[tuple[Item] | None] = asyncio.Queue()  # bounded by `room`
        self.ended: asyncio.Future[Exception | None] = self._loop.create_future()

    def give(self, item: Item) -> None:
        """Called in the thread."""
        self._tell(self.items.put_nowait, (item,))

    def end(self, error: Exception | None) -> None:
        """Called in the thread, once and last: the job has left the batch."""
        self._tell(self._end, self.failure or error)

    def _end(self, error: Exception | None) -> None:
        self.ended.set_result(error)
        self.items.put_nowait(None)

    def _tell(self, function: Callable[[T], object], argument: T) -> None:
        with suppress(RuntimeError):  # the event loop has been closed: nobody waits there
            self._loop.call_soon_threadsafe(function, argument)


async def _settled(future: "Future[Any]") -> None:
    """Wait until ``future``, whose result is no exception, is done; cancellations are held back meanwhile."""
    done = asyncio.wrap_future(future)
    await outlast(future.done, lambda: asyncio.wait([done]))
