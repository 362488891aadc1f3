"""Starts the worker processes of one gateway, replaces those that die, and tells them of signals.

Processes of the server itself start here; those of engines in ``adapters/blocking``.
"""

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable

import msgspec

logger = logging.getLogger(__name__)

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}

MOST_DEATHS = 5
"""Workers that may die within ``DEATH_SECONDS``; then something is wrong that another process would not mend."""

DEATH_SECONDS = 60.0

Mask = set[int | signal.Signals]

GRACE_SECONDS = 15.0
"""How much longer than ``--shutdown_seconds`` a worker may take to end before it is killed."""


class Crew(msgspec.Struct, frozen=True, kw_only=True):
    """How many workers there are, and what each does.

    ``work`` gets the number of the worker and a file descriptor that reaches its end when the worker is to end; its
    result is the exit status. ``reload`` says whether workers are to be told to read the settings again, ``ended`` is
    told of a worker that has ended and is not replaced.
    """

    count: int
    shutdown_seconds: float
    work: Callable[[int, int], int]
    reload: Callable[[], bool]
    ended: Callable[[int], None]


class Supervisor:
    """Keeps the workers of a ``Crew`` running."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._numbers: dict[int, int] = {}  # by process id
        self._deaths: deque[float] = deque()
        self._failed = False
        self._kill_at: float | None = None
        self._watched, self._held = os.pipe()

    def run(self) -> int:
        """Run until a signal ends it; 1 when workers died too often or could not end in order."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        for number in range(self._crew.count):
            self._start(number, before)
        while self._numbers:
            left = 3600.0 if self._kill_at is None else self._kill_at - time.monotonic()
            told = signal.sigtimedwait(SIGNALS, max(0.0, left))
            if told is None:
                if self._kill_at is not None:
                    self._kill("they did not end within --shutdown_seconds")
                continue
            match told.si_signo:
                case signal.SIGCHLD:
                    self._reap(before)
                case signal.SIGHUP:
                    if self._kill_at is None and self._crew.reload():
                        self._tell(signal.SIGHUP)
                case number if self._kill_at is not None:
                    self._kill(f"ended by a second {signal.Signals(number).name}")
                case _:
                    self._end()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return 1 if self._failed else 0

    def _start(self, number: int, mask: Mask) -> None:
        process = os.fork()
        if process:
            self._numbers[process] = number
            return
        status = 1
        try:
            os.close(self._held)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            status = self._crew.work(number, self._watched)
        except BaseException as error:  # noqa: BLE001 - nothing of the parent's stack may run in this process
            logger.error("worker %d failed unexpectedly (%s)", number, type(error).__name__)
        finally:
            os._exit(status)

    def _reap(self, mask: Mask) -> None:
        """Replace workers that died, unless all are to end."""
        for process, number in list(self._numbers.items()):
            found, status = os.waitpid(process, os.WNOHANG)
            if not found:
                continue
            del self._numbers[process]
            code = os.waitstatus_to_exitcode(status)
            if self._kill_at is not None:
                self._failed = self._failed or code != 0
                self._crew.ended(number)
                continue
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
            if self._too_often():
                self._failed = True
                logger.error("worker %d ended with %s: the %dth within a minute, all end", number, how, MOST_DEATHS)
                self._end()
            else:
                logger.error("worker %d (process %d) ended with %s and is replaced", number, process, how)
                self._start(number, mask)

    def _too_often(self) -> bool:
        now = time.monotonic()
        self._deaths.append(now)
        while now - self._deaths[0] > DEATH_SECONDS:
            self._deaths.popleft()
        return len(self._deaths) >= MOST_DEATHS

    def _end(self) -> None:
        """Have the workers finish what runs: what they watch reaches its end, as it would if this process died."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._crew.shutdown_seconds + GRACE_SECONDS
            os.close(self._held)

    def _kill(self, why: str) -> None:
        logger.error("%d workers are killed: %s", len(self._numbers), why)
        self._failed = True
        self._kill_at = time.monotonic() + GRACE_SECONDS
        self._tell(signal.SIGKILL)

    def _tell(self, number: signal.Signals) -> None:
        for process in self._numbers:
            os.kill(process, number)
