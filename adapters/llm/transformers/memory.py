"""How much memory there is for what is kept of conversations, and giving back what is no longer used."""

import gc
from collections.abc import Iterator
from pathlib import Path

import psutil
import torch

CONTROL_GROUPS = Path("/sys/fs/cgroup")
"""Where Linux tells a container's limits."""

# Of the control groups' two versions: the limit, what is used, and what of that are files, which can be read again.
_FILES = (
    ("memory.max", "memory.current", "memory.stat", ("active_file", "inactive_file")),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        ("total_active_file", "total_inactive_file"),
    ),
)


def available() -> int:
    """Bytes of the host's memory that can be had, also within the limit of a container."""
    host: int = psutil.virtual_memory().available
    return min((host, *_left_in_containers()))


def _left_in_containers() -> Iterator[int]:
    for limit, usage, statistics, names in _FILES:
        try:
            most = int((CONTROL_GROUPS / limit).read_text())
            used = int((CONTROL_GROUPS / usage).read_text())
            lines = map(str.split, (CONTROL_GROUPS / statistics).read_text().splitlines())
        except (OSError, ValueError):  # there is no such limit: the file is missing, or says "max"
            continue
        yield max(0, most - used + sum(int(value) for name, value in lines if name in names))


def free() -> None:
    """Give what is no longer used back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
