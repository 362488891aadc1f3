"""The places at an engine: so many streams at once, a line for those who have to wait, and how long that takes."""

import asyncio
from collections import deque

WEIGHT = 0.2
"""How much the newest measurement counts in a running mean."""


class RunningMean:
    """A mean in which later values count more; ``None`` before the first."""

    def __init__(self) -> None:
        self.value: float | None = None

    def note(self, value: float) -> None:
        """Take one more value into account."""
        self.value = value if self.value is None else self.value + WEIGHT * (value - self.value)


class Places:
    """``capacity`` places. Those who wait ``ahead`` come before all others; in both lines the first come first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.running = 0
        self._ahead: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._ahead) + len(self._others)

    async def acquire(self, *, ahead: bool) -> None:
        """Take a place as soon as there is one; cancelling this wait gives it back."""
        if self.running < self.capacity:
            self.running += 1
            return
        line = self._ahead if ahead else self._others
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            elif turn in line:  # else release() has passed over it
                line.remove(turn)
            raise

    def release(self) -> None:
        """Give a place back, or on to the next who has not given up; that one may not know it yet."""
        while line := self._ahead or self._others:
            if not (turn := line.popleft()).done():
                turn.set_result(None)
                return
        self.running -= 1
