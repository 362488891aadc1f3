"""Blocking work without blocking the event loop: the only place with threads and worker processes.

``call`` runs one function in a thread, ``iterate`` reads a blocking iterator through a thread, and ``WorkerPool`` keeps
processes for engines that hold the interpreter's lock or may crash.
"""

from adapters.blocking.processes import WorkerPool
from adapters.blocking.threads import call, iterate

__all__ = ["WorkerPool", "call", "iterate"]
