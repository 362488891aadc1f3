"""Admission: a turn is admitted as a whole, when it begins, by the queues of all engines that it will need.

A turn asks several engines, one after the other, the synthesiser once an utterance. Each queue counts the turns that
were admitted and are still to come, so that no more are admitted than each engine can serve in time. An admitted turn
that has begun, so that engines have worked for it, is not refused any more: it waits ahead of those that have not. What
bounds these is the time of a turn and the number of requests at once.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from contextvars import ContextVar
from typing import Protocol, Self

from adapters.contract.errors import Unavailable

_CURRENT: ContextVar["Admission | None"] = ContextVar("admission", default=None)


class Queue(Protocol):
    """The queue of an engine, as an admission sees it."""

    coming: int
    """How many admitted turns are still to ask the engine for the first time."""

    def refusal(self) -> Unavailable | None:
        """Why a new turn cannot be admitted, if that is so; counted as a refusal."""


class Admission:
    """What one request was promised; it may ask an engine of another queue like anybody else.

    As a context manager it is that of everything that runs in the block, also in tasks that begin there.
    """

    def __init__(self) -> None:
        self._begun = False
        self._first: Queue | None = None
        self._admitted_at: dict[Queue, float] = {}
        self._coming: set[Queue] = set()
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Begin the request."""
        self._token = _CURRENT.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        """The request is over."""
        _CURRENT.reset(self._token)
        self.close()

    def ask(self, alternatives: Sequence[Queue | None], *, first: bool) -> None:
        """Be admitted by one of the queues in front of a stage's engines; ``None`` is an engine without a queue.

        ``first`` is said of the stage with which the turn begins. Raises the ``Unavailable`` of the first of them when
        none admits the turn.
        """
        failure: Unavailable | None = None
        for queue in alternatives:
            refusal = None if queue is None or queue in self._admitted_at else queue.refusal()
            if refusal is None:
                self._first = queue if first else self._first
                self._expect(queue)
                return
            failure = failure or refusal
        if failure is not None:
            raise failure

    def _expect(self, queue: Queue | None) -> None:
        if queue is not None and queue not in self._admitted_at:
            self._admitted_at[queue] = asyncio.get_running_loop().time()
            self._coming.add(queue)
            queue.coming += 1

    def admitted(self, queue: Queue) -> bool:
        """Whether ``queue`` has admitted the turn."""
        return queue in self._admitted_at

    def privileged(self, queue: Queue) -> bool:
        """Whether ``queue`` may not refuse the turn any more."""
        return self.admitted(queue) and (self._begun or queue is not self._first)

    def begin(self) -> None:
        """The engine of a queue works for the turn."""
        self._begun = True

    def arrive(self, queue: Queue) -> float | None:
        """The turn asks the engine of ``queue``: if for the first time, the seconds since it was admitted."""
        if queue not in self._coming:
            return None
        self._coming.remove(queue)
        queue.coming -= 1
        return asyncio.get_running_loop().time() - self._admitted_at[queue]

    def hold(self, resource: AbstractContextManager[None]) -> None:
        """Enter ``resource`` for as long as the request runs."""
        self._held.enter_context(resource)

    def close(self) -> None:
        """The request is over: nothing is to come any more, and what it left running has no privilege."""
        self._held.close()
        for queue in self._coming:
            queue.coming -= 1
        self._coming.clear()
        self._admitted_at.clear()


def current_admission() -> Admission | None:
    """That of the request which is being served; ``None`` outside of one."""
    return _CURRENT.get()
