"""Which server a conversation was sent to: there its beginning is cached. A conversation is known by how it begins."""

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.passthrough import PassRequest

MOST_KEPT = 20_000
"""Conversations whose server is remembered; the least recently used are forgotten first."""

INSTRUCTIONS = {"system", "developer"}
"""Roles of messages that many conversations have in common."""

DIGEST_BYTES = 16


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """How a conversation begins, as digests: what was asked first, and that with the first answer, once there is one.

    Many conversations may be asked the same; few continue after the same answer.
    """

    asked: bytes
    answered: bytes | None

    @property
    def key(self) -> bytes:
        """What is known of it, as one key."""
        return self.answered or self.asked


class Affinity:
    """Remembers the server of each conversation by its name."""

    def __init__(self) -> None:
        self._names: OrderedDict[bytes, str] = OrderedDict()

    def server(self, opening: Opening) -> str | None:
        """Where the conversation was sent before; ``None`` for one that begins with this request."""
        if opening.answered is None:
            return None
        return self._names.get(opening.answered) or self._names.get(opening.asked)

    def remember(self, opening: Opening, name: str) -> None:
        """The conversation is sent to the server ``name`` now."""
        self._names[opening.key] = name
        self._names.move_to_end(opening.key)
        if len(self._names) > MOST_KEPT:
            self._names.popitem(last=False)


def opening_of(request: llm.Request | PassRequest) -> Opening:
    """The opening of the conversation that ``request`` continues, without its instructions."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    messages = _passed_messages(request) if isinstance(request, PassRequest) else _messages(request.messages)
    for role, text in messages:
        if role in INSTRUCTIONS:
            continue
        asked = digest.digest()
        digest.update(text.encode(errors="replace") + b"\0")
        if role == "assistant":
            return Opening(asked=asked, answered=digest.digest())
    return Opening(asked=digest.digest(), answered=None)


def rank(key: bytes, name: str, weight: float) -> float:
    """Weighted rendezvous hashing: of several servers, the one with the highest rank is the one for ``key``.

    Each gets a share of all keys in proportion to its weight, and every process finds the same one.
    """
    drawn = int.from_bytes(blake2b(key + name.encode(), digest_size=8).digest()) >> 12
    return -weight / math.log((drawn + 0.5) / (1 << 52))


def _messages(messages: Iterable[llm.Message]) -> Iterator[tuple[str, str]]:
    for message in messages:
        yield message.role, "".join(part.text for part in message.parts if isinstance(part, llm.Text))


def _items(items: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for item in items:
        if isinstance(item, dict):
            role = item.get("role", "assistant" if item.get("type") == "function_call" else None)
            if isinstance(role, str):
                yield role, _text(item.get("content"))


def _passed_messages(request: PassRequest) -> Iterator[tuple[str, str]]:
    """The messages of a request in the words of its protocol, as far as they can be read."""
    for earlier in request.history:
        yield from _messages([earlier]) if isinstance(earlier, llm.Message) else _items([earlier])
    given = request.body.get("messages", request.body.get("input"))
    if isinstance(given, str):
        yield "user", given
    yield from _items(given if isinstance(given, list) else ())


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = [part.get("text") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return "".join(text for text in parts if isinstance(text, str))
