"""A worker process of ``WorkerPool`` as the gateway has it: its pipes, its jobs, its end."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from typing import BinaryIO, assert_never

import msgspec

from adapters.blocking import frames
from adapters.blocking.limits import Limits
from adapters.blocking.threads import WaitingThreads, outlast
from adapters.contract.errors import TimedOut, Unavailable, UpstreamError

AT_ONCE_BYTES = 4_000
"""Jobs up to this size fit into the pipe of a worker that has read all others, so that sending them does not wait."""

WRITERS = 16
"""How many longer jobs are sent at once."""

AHEAD = 16
"""Messages that are read before they are wanted: a slow reader holds its worker up, and does not fill the memory."""

POLL_SECONDS = 0.005
ENDING_SECONDS = 5
"""How long a process may take to end after it has closed its output."""


class WorkerDied(Unavailable):
    """The worker process ended while it worked on a job."""


class WorkerProcess:
    """One process and its pipes, for the event loop that starts it; a thread reads what it sends as soon as it does."""

    def __init__(self, number: int, target: tuple[str, ...], adapter: str, limits: Limits) -> None:
        self.number = number
        self._adapter = adapter
        self._limits = limits
        arguments = [msgspec.json.encode(limits).decode(), str(os.getpid()), str(number), *target]
        # -P: the current directory must not shadow modules.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "adapters.blocking.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=frames.BUFFER_BYTES,
        )
        self._replies: asyncio.Queue[frames.Reply | Exception] = asyncio.Queue()  # the thread waits for ``room``
        self._room = threading.Semaphore(AHEAD)
        self._between_jobs = False
        self.killed = False
        self.loaded = False
        reading = threading.Thread(
            target=self._read_all, args=(asyncio.get_running_loop(),), name="worker replies", daemon=True
        )
        try:
            reading.start()
        except RuntimeError as error:  # there are as many threads as the system allows
            self._process.kill()
            raise OSError("no thread can be started") from error

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether it has loaded, as far as that can be told without waiting."""
        return self.loaded or not self._replies.empty()

    @property
    def reusable(self) -> bool:
        """Whether it can take another job."""
        return self._between_jobs and not self.killed

    async def load(self) -> AsyncGenerator[bytes, None]:
        """Wait until the engine has loaded; yields nothing. Raises ``Unavailable``."""
        if not self.loaded:
            await self._next()
            self.loaded = True
        self._between_jobs = True
        nothing: tuple[bytes, ...] = ()
        for each in nothing:
            yield each

    async def answer(self, *payload: bytes, alone: bool) -> AsyncGenerator[bytes, None]:
        """Send a job, ``alone`` in its pool or not, and yield its answer. Raises as ``WorkerPool.stream`` does."""
        async for _ in self.load():
            pass
        self._between_jobs = False
        with suppress(OSError):  # a dead worker is noticed when its answer is read
            if sum(map(len, payload)) < AT_ONCE_BYTES:
                frames.write_job(self._stdin, *payload, alone=alone)
            else:
                await _writing.call(partial(frames.write_job, self._stdin, *payload, alone=alone))
        while True:
            match reply := await self._next():
                case frames.Item():
                    yield reply.payload
                case frames.Done():
                    self._between_jobs = True
                    if reply.payload:
                        yield reply.payload
                    return
                case frames.Failed():
                    self._between_jobs = True
                    raise UpstreamError(f"The {self._adapter} engine failed ({reply.kind}).", adapter=self._adapter)
                case frames.Refused():
                    self._between_jobs = True
                    raise reply.error()
                case frames.Ready():
                    raise frames.BadFrame("A worker process sent Ready twice.")
                case _:
                    assert_never(reply)

    def kill(self) -> None:
        """End the process, without waiting for that."""
        self.killed = True
        self._process.kill()
        self._room.release()  # the thread shall come to the end of what was sent

    async def dead(self) -> None:
        """Wait until the killed process is dead."""
        await outlast(lambda: not self.alive, lambda: asyncio.sleep(POLL_SECONDS))

    async def end(self) -> None:
        """Kill the process, wait until it is dead and close its input; the thread closes its output."""
        self.kill()
        try:
            await self.dead()
        finally:
            self.close_input()

    def close_input(self) -> None:
        """Close the pipe of a dead process to which jobs were written."""
        with suppress(OSError):  # buffered input cannot be sent any more
            self._stdin.close()

    async def _next(self) -> frames.Reply:
        reply = await self._replies.get()
        self._room.release()
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _read_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the thread: pass on every message, and why there will be no other."""
        with suppress(RuntimeError), self._stdout as stdout:  # the loop has been closed
            try:
                while (reply := frames.read_reply(stdout)) is not None:
                    if not self.killed:  # else nobody may read any more
                        self._room.acquire()
                    loop.call_soon_threadsafe(self._replies.put_nowait, reply)
                error: Exception = self._ended()
            except frames.BadFrame as failure:
                error = failure
            loop.call_soon_threadsafe(self._replies.put_nowait, error)

    def _ended(self) -> Unavailable:
        """Why the process closed its output."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING_SECONDS)
        if sys.platform != "win32" and self._process.returncode == -signal.SIGXCPU:
            return TimedOut(
                f"The {self._adapter} engine took more than {self._limits.cpu_seconds} s of processor time.",
                adapter=self._adapter,
            )
        return WorkerDied(
            f"A worker process of {self._adapter} ended unexpectedly; repeat the request.", adapter=self._adapter
        )

    @property
    def _stdin(self) -> BinaryIO:
        assert self._process.stdin is not None
        return self._process.stdin  # type: ignore[return-value]

    @property
    def _stdout(self) -> BinaryIO:
        assert self._process.stdout is not None
        return self._process.stdout  # type: ignore[return-value]


_writing = WaitingThreads(WRITERS, "jobs to workers")
