"""Decodes JSON that clients sent, within a bound on its parts."""

from typing import Any

import msgspec

MAX_VALUES = 250_000
"""The most values: two bytes of JSON become an object of a hundred, and the interpreter stands still meanwhile."""


def decode_json(text: bytes | bytearray | str) -> Any:
    """The values in ``text``. Raises ``ValueError`` that says what is wrong."""
    data = text.encode() if isinstance(text, str) else text
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_VALUES:  # also in strings: the bound is wide
        raise ValueError(f"more than {MAX_VALUES} values")
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
