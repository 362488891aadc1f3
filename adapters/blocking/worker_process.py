"""A worker process of ``WorkerPool`` as the gateway has it: its pipes, its jobs, its end."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, assert_never

import msgspec

from adapters.blocking import frames
from adapters.blocking.limits import Limits
from adapters.blocking.threads import outlast
from adapters.contract.errors import TimedOut, Unavailable, UpstreamError

POLL_SECONDS = 0.005
ENDING_SECONDS = 5
"""How long a process may take to end after it has closed its output."""


class WorkerDied(Unavailable):
    """The worker process ended while it worked on a job."""


class WorkerProcess:
    """One process and its pipes. ``load`` and ``answer`` block: they are for a thread."""

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
        )
        self._between_jobs = False
        self.killed = False
        self.loaded = False

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether it has loaded, as far as that can be told without waiting."""
        return self.loaded or _has_input(self._stdout)

    @property
    def reusable(self) -> bool:
        """Whether it can take another job."""
        return self._between_jobs and not self.killed

    def load(self) -> Iterator[bytes]:
        """Wait until the engine has loaded; yields nothing. Raises ``Unavailable``."""
        if not self.loaded:
            self._read()
            self.loaded = True
        self._between_jobs = True
        yield from ()

    def answer(self, *payload: bytes) -> Iterator[bytes]:
        """Send a job and yield its answer. Raises as ``WorkerPool.stream`` does."""
        yield from self.load()
        self._between_jobs = False
        with suppress(OSError):  # a dead worker is noticed when its answer is read
            frames.write(self._stdin, *payload)
        while True:
            match reply := self._read():
                case frames.Item():
                    yield reply.payload
                case frames.Done():
                    self._between_jobs = True
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

    async def dead(self) -> None:
        """Wait until the killed process is dead."""
        await outlast(lambda: not self.alive, lambda: asyncio.sleep(POLL_SECONDS))

    async def end(self) -> None:
        """Kill the process, wait until it is dead and close the pipes; no thread may be reading them."""
        self.kill()
        try:
            await self.dead()
        finally:
            self.close_pipes()

    def close_pipes(self) -> None:
        """Close the pipes, which no thread may be reading."""
        with suppress(OSError):  # buffered input cannot be sent any more
            self._stdin.close()
        self._stdout.close()

    def _read(self) -> frames.Reply:
        reply = frames.read_reply(self._stdout)
        if reply is None:
            raise self._ended()
        return reply

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


def _has_input(stream: BinaryIO) -> bool:
    """Whether reading from ``stream`` would not wait; Windows cannot tell that of a pipe."""
    if sys.platform == "win32":
        return False
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    return bool(poll.poll(0))
