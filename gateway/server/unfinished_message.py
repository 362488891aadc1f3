"""The message of a WebSocket that has arrived only in part: the memory that it takes, and how slowly it may come."""

import asyncio
import math

from gateway.http.socket_messages import TakeMemory
from gateway.server import limits


class UnfinishedMessage:
    """Counts a message that is not small against the memory of all request bodies, until its last byte has arrived.

    The client may pause for ``BODY_SECONDS``, and sends at least ``BODY_BYTES_PER_SECOND`` beyond that.
    """

    def __init__(self) -> None:
        self.take_memory: TakeMemory = lambda _size: None
        self._size = 0
        self._deadline = math.inf

    def has(self, size: int) -> None:
        """As many bytes have arrived; 0 when the message is complete or dropped. Raises ``Unavailable``."""
        if size < limits.SMALL_MESSAGE_BYTES:
            size = 0
        if size == self._size:
            return
        self.take_memory(size - self._size)
        arrived, self._size = size - self._size, size
        latest = _now() + limits.BODY_SECONDS
        if size == 0:
            self._deadline = math.inf
        else:
            self._deadline = min(self._deadline + arrived / limits.BODY_BYTES_PER_SECOND, latest)

    def too_slow(self) -> bool:
        """Whether too little of it has come until now."""
        return _now() >= self._deadline


def _now() -> float:
    return asyncio.get_running_loop().time()
