"""Releases the memory that mlx holds for a thread."""

import mlx.core as mx


def free() -> None:
    """Release unused memory."""
    mx.clear_cache()


def release_thread() -> None:
    """Release what mlx holds for this thread, as its last act."""
    mx.synchronize()
    mx.clear_cache()
    # mlx 0.32 aborts the process at its exit when a thread has ended without this ("terminate called without an active
    # exception").
    mx.clear_streams()
