"""How much memory is available for the cache of conversations, and releasing memory that is no longer used."""

import gc
from collections.abc import Iterator
from pathlib import Path

import psutil
import torch

CONTROL_GROUPS = Path("/sys/fs/cgroup")
"""Where Linux shows the limits of a container."""

# For both versions of control groups: the limit, the memory in use, and the part of it that caches files.
_FILES = (
    ("memory.max", "memory.current", "memory.stat", ("active_file", "inactive_file")),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        ("total_active_file", "total_inactive_file"),
    ),
)


def available(device: torch.device) -> int:
    """The bytes of memory that are available on ``device``; on the host within the limits of its container."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    host: int = psutil.virtual_memory().available
    return min((host, *_left_in_containers()))


def _left_in_containers() -> Iterator[int]:
    for limit, usage, statistics, names in _FILES:
        try:
            most = int((CONTROL_GROUPS / limit).read_text())
            used = int((CONTROL_GROUPS / usage).read_text())
            lines = map(str.split, (CONTROL_GROUPS / statistics).read_text().splitlines())
        except (OSError, ValueError):  # no such limit: the file is missing, or contains "max"
            continue
        yield max(0, most - used + sum(int(value) for name, value in lines if name in names))


def free() -> None:
    """Release unused memory of this process and of the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
