"""Until when a turn has to be over, the listener's own pace included."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import TypeVar

import msgspec

from adapters.contract.errors import TimedOut
from adapters.upstream.wait_limit import WaitExpired, WaitLimit
from gateway.tasks import DeadlineExceeded, with_deadline

T = TypeVar("T")


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """``at``: the loop's time at which a turn that may take ``seconds`` is over."""

    at: float
    seconds: float

    @classmethod
    def of(cls, seconds: float, elapsed: float) -> "Deadline":
        """The deadline of a turn that began ``elapsed`` seconds ago."""
        return cls(at=asyncio.get_running_loop().time() + seconds - elapsed, seconds=seconds)

    def exceeded(self) -> TimedOut:
        """The error of a turn that takes longer."""
        return TimedOut(f"The turn took longer than {self.seconds:g} s, the limit set by --max_turn_seconds.")

    async def limit(self, awaitable: Awaitable[T]) -> T:
        """The result of ``awaitable``. Raises ``TimedOut`` when it does not come in time."""
        try:
            return await with_deadline(self.at, awaitable)
        except DeadlineExceeded:
            raise self.exceeded() from None

    async def limited(self, stream: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """The items of ``stream``. Raises ``TimedOut`` when the next one does not come in time."""
        async with aclosing(stream):
            waits = WaitLimit()
            try:
                while (item := await waits.wait(self.at, anext(stream, None))) is not None:
                    yield item
            except WaitExpired:
                raise self.exceeded() from None
            finally:
                waits.stop()
