"""Limits how long each of many waits may take, with one timer for all: a timer a wait costs more than a read."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class WaitExpired(Exception):
    """What was waited for did not come in time."""


class WaitLimit:
    """The waits of one task, one after another.

    The timer stays where it is while limits move into the future, and is set anew when it fires too early. A wait that
    lasts may be given more time in ``until``, and less if it is told to ``keep`` it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._set_for = 0.0  # what was asked for: uvloop's timers say that they are up to a millisecond later
        self.until = 0.0
        """The loop's time at which the wait is over."""
        self._waiting: asyncio.Task[object] | None = None
        self._expired = False

    async def wait(self, until: float, awaitable: Awaitable[T]) -> T:
        """The result of ``awaitable``, which is cancelled at the loop's time ``until``. Raises ``WaitExpired``."""
        task = asyncio.current_task()
        assert task is not None, "waits are those of a task"
        before = task.cancelling()
        self.until, self._waiting, self._expired = until, task, False
        if self._timer is None or self._set_for > until:
            self._set()
        try:
            return await awaitable
        except asyncio.CancelledError:
            if self._expired and task.uncancel() <= before:
                raise WaitExpired from None
            raise
        finally:
            self._waiting = None

    def keep(self) -> None:
        """End the wait that lasts at ``until``, which has come nearer."""
        if self._set_for > self.until and self._timer is not None:
            self._set()

    def stop(self) -> None:
        """Stop the timer; there are no more waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._set_for = self.until
        self._timer = self._loop.call_at(self.until, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._waiting is None:  # the next wait sets it
            return
        if self._loop.time() < self.until:
            self._set()
        else:
            self._expired = True
            self._waiting.cancel()
