"""Whether a client reads what it is sent: one that does not would keep its turn and its connection for ever."""

import asyncio
import logging
import math
from typing import Any

from gateway.server import limits

logger = logging.getLogger(__name__)


class ReadingPace:
    """Watches the buffer of a connection while it is too full to be written to.

    The client may pause for ``READ_SECONDS``, and reads at least ``READ_BYTES_PER_SECOND`` beyond that.
    """

    def __init__(self) -> None:
        self._unread = 0
        self._deadline = math.inf

    def full(self, transport: Any) -> None:
        """The buffer has become too full."""
        self._unread = transport.get_write_buffer_size()
        self._deadline = _now() + limits.READ_SECONDS

    def drained(self) -> None:
        """The buffer can take more."""
        self._deadline = math.inf

    def too_slow(self, transport: Any) -> bool:
        """Whether the client has read too little until now; to be asked about once a second."""
        if self._deadline == math.inf:
            return False
        read = max(0, self._unread - transport.get_write_buffer_size())
        self._unread -= read
        self._deadline = min(self._deadline + read / limits.READ_BYTES_PER_SECOND, _now() + limits.READ_SECONDS)
        if _now() < self._deadline:
            return False
        logger.warning("a client read too little of what it was sent; its connection is closed")
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()
