"""A text that counts the characters which are copied or searched, to bound the work of a parser without a clock."""

from collections.abc import Callable
from typing import Any


class CountedText(str):
    """Counts for itself and for every text that is made from it."""

    copied = 0

    def __add__(self, other: str) -> "CountedText":
        return _counted(str.__add__(self, other))

    def __radd__(self, other: str) -> "CountedText":
        return _counted(other.__add__(str(self)))

    def __getitem__(self, key: Any) -> "CountedText":
        return _counted(str.__getitem__(self, key))


def _counted(text: str) -> CountedText:
    CountedText.copied += len(text)
    return CountedText(text)


def _counting(name: str) -> Callable[..., Any]:
    method = getattr(str, name)

    def counting(self: str, *arguments: Any) -> Any:
        CountedText.copied += len(self)
        result = method(self, *arguments)
        if isinstance(result, str):
            return CountedText(result)
        return tuple(map(CountedText, result)) if isinstance(result, tuple) else result

    return counting


for _name in ("find", "rfind", "partition", "lstrip", "rstrip", "strip", "removeprefix", "removesuffix", "isspace"):
    setattr(CountedText, _name, _counting(_name))


def copied_by(function: Callable[[], object]) -> int:
    """How many characters of ``CountedText`` are copied or searched by ``function``."""
    CountedText.copied = 0
    function()
    return CountedText.copied
