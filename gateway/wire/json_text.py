"""Decodes JSON that clients sent, within a bound on its parts."""

from itertools import chain
from typing import Any

import msgspec

MAX_VALUES = 250_000
"""The most values: two bytes of JSON become an object of a hundred, and the interpreter stands still meanwhile."""

MAX_LEVELS = 128
"""How deep values may be nested: other parts descend by recursion, and Python versions differ in how far they can."""


def decode_json(text: bytes | bytearray | str) -> Any:
    """The values in ``text``. Raises ``ValueError`` that says what is wrong."""
    data = text.encode() if isinstance(text, str) else text
    openings = data.count(b"[") + data.count(b"{")
    if data.count(b",") + openings > MAX_VALUES:  # also in strings: the bound is wide
        raise ValueError(f"more than {MAX_VALUES} values")
    try:
        values = msgspec.json.decode(data)
    except RecursionError:
        raise _too_deep() from None
    if openings > MAX_LEVELS and _is_deeper(values, MAX_LEVELS):
        raise _too_deep()
    return values


def _too_deep() -> ValueError:
    return ValueError(f"nested more than {MAX_LEVELS} levels deep")


def _is_deeper(values: Any, levels: int) -> bool:
    """Whether objects and arrays are nested more than ``levels`` deep; without recursion."""
    level = [values] if isinstance(values, dict | list) else []
    for _ in range(levels):
        inner = chain.from_iterable(each.values() if isinstance(each, dict) else each for each in level)
        level = [each for each in inner if isinstance(each, dict | list)]
    return bool(level)
