"""Passing a request on, unchanged, to a server that speaks the client's own protocol; what some models offer besides.

A stream is ``Started`` · ``Forwarded``* · ``Passed``.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any, Literal, Protocol

import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started

WireProtocol = Literal["chat-completions", "responses"]

Relay = Callable[[bytes], bool]
"""Takes bytes for the client as they arrive; says whether it can take more at once. What it raises ends the answer."""


class PassRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for one answer in the words of the ``WireProtocol``: ``body`` is the client's JSON object.

    It is sent for ``model``. ``history`` precedes what is in ``body``: messages, and items that are in the protocol's
    words already; only the protocol "responses" has it, and what it continues is not named in ``body`` any more.
    ``messages`` are the same for a server that did not write those items. With ``recorded`` the answer is wanted for a
    history.

    A ``relay`` may be given what would be ``Forwarded``, once that was read for the first time: waking the reader for
    every event costs more than all the rest. What comes after it had enough is for the reader again.
    """

    model: str
    body: dict[str, Any]
    history: tuple[llm.Message | dict[str, Any], ...] = ()
    messages: tuple[llm.Message, ...] = ()
    recorded: bool = False
    relay: Relay | None = None

    @property
    def streamed(self) -> bool:
        """Whether the client wants events, instead of one document."""
        return self.body.get("stream") is True


class Forwarded(msgspec.Struct, frozen=True, kw_only=True, tag="forwarded"):
    """Bytes as the server sent them: whole server-sent events, or all of one JSON document.

    The first have the id that the server gave the answer, if it has one.
    """

    data: bytes
    answer_id: str | None = None


class Passed(msgspec.Struct, frozen=True, kw_only=True, tag="passed"):
    """The answer is complete. ``failure`` names what the server itself reported in its stream, after it had begun.

    Of an answer that was ``recorded`` in the protocol "responses", ``message`` is what a history keeps, and
    ``response`` the final response as the server wrote it. Of any that was recorded, ``last`` are the bytes that end
    it: they are for the client once it is kept, because a client may continue it at once.
    """

    reason: llm.FinishReason
    usage: llm.Usage | None
    failure: str | None = None
    message: llm.Message | None = None
    response: dict[str, Any] | None = None
    last: bytes = b""


PassEvent = Started | Forwarded | Passed


class Passthrough(Protocol):
    """A language model behind a server that speaks ``protocol``; ``None`` when requests cannot be passed on to it."""

    @property
    def protocol(self) -> WireProtocol | None:
        """The protocol of its server."""

    def forward(self, request: PassRequest) -> AsyncGenerator[PassEvent, None]:
        """Have the server write one answer. Raises ``AdapterError`` while iterated."""


def protocol_of(model: object) -> WireProtocol | None:
    """The protocol in which requests can be passed on to ``model``."""
    # Each request asks this, and to look for a protocol takes fifty times as long.
    protocol: WireProtocol | None = getattr(model, "protocol", None)
    return protocol
