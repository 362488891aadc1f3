"""What a test provides for the checks of a streaming engine: requests, and access to what works behind the engine."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import msgspec

from adapters.contract.checks.grammar import Grammar
from adapters.contract.errors import AdapterError


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A request that must fail with exactly this class of error, before or after content events."""

    name: str
    request: Callable[[], Any]
    error: type[AdapterError]


class Rig(Protocol):
    """One engine under test, warmed up, and access to what works behind it: a server, a worker, a model."""

    engine: Any
    """The engine; ``engine.stream(request)`` is what the checks exercise."""

    grammar: Grammar
    """``llm_grammar``, ``stt_grammar`` or ``tts_grammar``."""

    failures: Sequence[Failure]
    """Requests that fail; empty when nothing can."""

    ahead: int
    """How many units the source may be ahead of a reader that stopped after the first content event."""

    def request(self, number: int) -> Any:
        """Request 0 or 1: both succeed, with content events and with answers that differ."""

    def endless(self) -> Any:
        """A request whose source never ends, or the longest one that the engine takes.

        A source that is part of the request, as a recogniser's audio, fails when more than ``ahead`` is taken from it.
        """

    def answer(self, events: Sequence[Any]) -> Any:
        """What tells the answers of request 0 and 1 apart, and is the same each time one is repeated."""

    def busy(self) -> int:
        """How many streams what works behind the engine is serving now."""

    def produced(self) -> int:
        """How many units the source has made or given for the last ``endless`` request, in a unit of the rig's choice.

        A server counts bytes that it could send, a model tokens, a recogniser's source the audio taken from it.
        """


Check = Callable[[Rig], Awaitable[None]]


async def read(stream: AsyncGenerator[Any, None]) -> list[Any]:
    """Every event of a stream, which is closed in any case."""
    async with aclosing(stream):
        return [event async for event in stream]
