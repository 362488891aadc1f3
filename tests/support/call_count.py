"""Counts the function calls of a computation, to bound its work without a clock."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


class TooManyCalls(BaseException):
    """More calls than allowed; nothing that is tested catches it."""


def calls_of(function: Callable[[], object], *, limit: int) -> int:
    """How many functions, also built-in ones, ``function`` calls. Raises ``TooManyCalls`` past ``limit``."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")
        if count > limit:
            sys.setprofile(None)
            raise TooManyCalls

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count
