"""The responses that are being written, so that another request can read or cancel them."""

import asyncio
import copy
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from gateway.access.caller import ANYONE
from gateway.api.responses.schema import Response
from gateway.api.responses.writer import ResponseWriter

T = TypeVar("T")

CANCEL_SECONDS = 10.0
"""How long cancelling waits until the engines are free: a client that reads nothing may hold them up."""


class Cancelled(Exception):
    """The response was cancelled by another request."""


class RunningResponse:
    """One response, written by ``writer``; ``read`` and ``cancel`` are called by different requests."""

    def __init__(self, writer: ResponseWriter) -> None:
        self._writer = writer
        self._cancelled = False
        self._waiting: asyncio.Timeout | None = None
        self.ended = asyncio.Event()

    @property
    def response(self) -> Response:
        """The response as it is now."""
        return self._writer.response

    async def read(self, source: AsyncGenerator[T, None]) -> T:
        """The next event of ``source``. Raises ``Cancelled``, after which ``source`` has ended."""
        if self._cancelled:
            await source.aclose()
            raise Cancelled
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await anext(source)
        except TimeoutError:
            if self._cancelled:
                raise Cancelled from None
            raise
        finally:
            self._waiting = None

    async def cancel(self) -> None:
        """End the response, unless it has just ended. Returns when its engines are free."""
        again, self._cancelled = self._cancelled, True
        if self._waiting is not None and not again:  # a timeout that runs off cannot be moved any more
            self._waiting.reschedule(asyncio.get_running_loop().time())
        with suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS):
                await self.ended.wait()


class RunningResponses:
    """Those of one caller in this process, by their ids; ``of`` gives those of others."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], RunningResponse] = {}  # of all callers
        self._owner = ANYONE.name

    def of(self, owner: str) -> "RunningResponses":
        """The responses of the caller ``owner``."""
        responses = copy.copy(self)
        responses._owner = owner
        return responses

    def find(self, response_id: str) -> RunningResponse | None:
        """The response, while it is being written."""
        return self._running.get((self._owner, response_id))

    @contextmanager
    def entered(self, writer: ResponseWriter) -> Iterator[RunningResponse]:
        """What ``writer`` writes, for the block; only responses that are stored can be found."""
        running, key = RunningResponse(writer), (self._owner, writer.response.id)
        if writer.response.store:
            self._running[key] = running
        try:
            yield running
        finally:
            self._running.pop(key, None)
            running.ended.set()
