"""Virtual time for tests: where everybody would wait, the clock of the loop jumps to the next timer."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Waits for nothing; the time that it was told to wait has passed all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; there is no outside world that could make anything ready later."""
        assert timeout is not None, "everybody waits and nothing will ever happen"
        self.now += max(0.0, timeout)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds that have passed; none of them was waited for."""
        return self._virtual.now


def in_virtual_time(coroutine: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Decorates a coroutine function, a test too: called, it runs to its end, and its sleeps take no real time."""

    @functools.wraps(coroutine)
    def run(*arguments: P.args, **named: P.kwargs) -> T:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            return runner.run(coroutine(*arguments, **named))

    return run
