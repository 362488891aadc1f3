"""The check of parsers: the events do not depend on how the bytes of an upstream's answer are cut."""

from collections.abc import Callable, Iterable
from typing import Any


def check_any_split(events: Callable[[Iterable[bytes]], list[Any]], payload: bytes) -> None:
    """However the bytes of an upstream's answer are cut, ``events`` makes the same of them."""
    whole = events([payload])
    assert events([payload[at : at + 1] for at in range(len(payload))]) == whole, "cut into single bytes"
    for at in range(1, len(payload)):
        assert events([payload[:at], payload[at:]]) == whole, f"cut at byte {at}"
