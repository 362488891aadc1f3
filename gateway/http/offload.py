"""Takes large requests apart in a thread, so that the event loop can serve others meanwhile."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from adapters.blocking import call_in_turn

P = ParamSpec("P")
T = TypeVar("T")

LARGE_BYTES = 256 * 1024
"""Below this size the work takes less than a few milliseconds, and a thread would cost more."""


async def offloaded(size: int, work: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """The result of ``work`` on a request of ``size`` bytes; what it raises is raised here."""
    if size > LARGE_BYTES:
        return await call_in_turn(work, *arguments, **keywords)
    return work(*arguments, **keywords)
