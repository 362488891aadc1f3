"""Runs blocking work without blocking the event loop; the only package that starts threads and worker processes.

``call`` runs one function in a thread, ``SerialThread`` one after the other, ``WaitingThreads`` those that may be left;
``iterate`` reads a blocking iterator in a thread, ``BatchThread`` is one thread that serves many readers at once, and
``WorkerPool`` keeps processes for engines that hold the interpreter's lock or may crash.
"""

from adapters.blocking.batches import Batch, BatchThread, Ended, ReaderLeft
from adapters.blocking.limits import Limits
from adapters.blocking.processes import Send, Work, WorkerPool
from adapters.blocking.share import is_alone, worker_number
from adapters.blocking.threads import SerialThread, WaitingThreads, call, call_in_turn, iterate
from adapters.blocking.worker_process import WorkerDied

__all__ = [
    "Batch",
    "BatchThread",
    "Ended",
    "Limits",
    "ReaderLeft",
    "Send",
    "SerialThread",
    "WaitingThreads",
    "Work",
    "WorkerDied",
    "WorkerPool",
    "call",
    "call_in_turn",
    "is_alone",
    "iterate",
    "worker_number",
]
