"""What a worker process sets for itself: bounds on its memory and processor time, and that it ends with its parent."""

import ctypes
import math
import os
import signal
import sys
import time

import msgspec

if sys.platform != "win32":
    import resource

_PR_SET_PDEATHSIG = 1


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of a worker process, ``None`` for none; Windows has none, and macOS none of memory.

    ``memory_bytes``: past them an allocation fails, which raises ``MemoryError`` or ends the process.
    ``cpu_seconds``: processor time for the next piece of an answer; one that takes longer ends the process.
    ``unwanted_seconds``: for a job whose caller left ``WorkerPool.answer`` early; then the gateway ends the process.
    """

    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    unwanted_seconds: float = 0.0

    def apply(self) -> None:
        """Bound the memory of this process, and keep what people said out of core dumps."""
        if sys.platform != "win32":
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if self.memory_bytes is not None:
                resource.setrlimit(resource.RLIMIT_DATA, (self.memory_bytes, self.memory_bytes))

    def renew(self) -> None:
        """Let the bound on processor time count from now on."""
        if sys.platform != "win32" and self.cpu_seconds is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_CPU)
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + self.cpu_seconds, hard))


UNLIMITED = Limits()


def end_with(parent: int) -> None:
    """Let the kernel end this process when ``parent``, the process that started it, ends.

    Linux only: elsewhere a worker notices when it next reads a job or sends an answer.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it had ended before
            os._exit(1)
