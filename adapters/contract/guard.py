"""The contract of guards: a text in, a verdict out. A guard judges what people say, or what a model wrote.

A guard is constructed with its ``Options`` and has the lifetime of an engine. Its check may be cancelled at any time,
as it is when it takes too long.
"""

from typing import Protocol

import msgspec

from adapters.contract.engine import Engine


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The ``text`` to judge, at most some thousand characters, and what came directly ``before`` it, which has passed.

    What is wrong may begin in ``before``, but it has to end in ``text``.
    """

    text: str
    before: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the text is ``flagged``, and for what: ``categories`` are names for the log, never words of the text."""

    flagged: bool
    categories: tuple[str, ...] = ()


class Guard(Engine, Protocol):
    """Judges texts, many at a time."""

    async def check(self, request: Request) -> Verdict:
        """Judge one text. Raises ``AdapterError`` when that cannot be done, ``Unavailable`` once it is closed."""
