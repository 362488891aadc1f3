"""The guard ``patterns``: regular expressions, matched in a worker process that can be ended."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from adapters.blocking import WorkerPool
from adapters.contract import guard
from adapters.guards.patterns.worker import Patterns
from adapters.options import BadOption

ADAPTER = "patterns"
MOST_CHARACTERS = 100_000
"""Of all patterns: they are an argument of the process."""

_LOADING_SECONDS = 30.0  # to the first answer; who asks has a limit of their own


class PatternGuard:
    """Flags a text that one of the patterns matches. Raises ``BadOption`` for one that is no regular expression."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """What is looked for."""

        patterns: Annotated[
            tuple[str, ...], Meta(description="Regular expressions (Python's) that no text may match.")
        ] = ()
        ignore_case: Annotated[bool, Meta(description="Capital and small letters are the same.")] = True

    def __init__(self, options: Options) -> None:
        if not options.patterns:
            raise BadOption("it needs 'patterns', a list of regular expressions.")
        if sum(map(len, options.patterns)) > MOST_CHARACTERS:
            raise BadOption(f"its patterns are longer than {MOST_CHARACTERS:,} characters together.")
        patterns = Patterns(patterns=options.patterns, ignore_case=options.ignore_case)
        for pattern in options.patterns:
            try:
                matches_nothing = re.compile(pattern).search("") is not None
            except (re.error, RecursionError, OverflowError) as error:
                raise BadOption(f"the pattern {pattern!r} is not a regular expression: {error}.") from None
            if matches_nothing:
                raise BadOption(f"the pattern {pattern!r} matches an empty text, and so every text.")
        encoded = msgspec.json.encode(patterns).decode()
        self._pool = WorkerPool(
            "adapters.guards.patterns.worker:matcher", encoded, size=1, timeout=_LOADING_SECONDS, adapter=ADAPTER
        )

    async def warm_up(self) -> None:
        """Start the worker process. Raises ``Unavailable``."""
        await self._pool.warm_up()

    async def aclose(self) -> None:
        """End the worker process."""
        await self._pool.aclose()

    async def check(self, request: guard.Request) -> guard.Verdict:
        """Look for the patterns; a check that is given up ends the process. Raises ``AdapterError``."""
        answer = await self._pool.answer(msgspec.msgpack.encode(request))
        found = msgspec.msgpack.decode(answer, type=list[int])
        return guard.Verdict(flagged=bool(found), categories=tuple(f"pattern {number}" for number in found))
