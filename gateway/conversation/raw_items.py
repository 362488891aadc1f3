"""Items in the words of the Responses API, kept beside what a history has of them.

A message holds only what every model can be given. A server of that API gets back the item itself where that is more:
a file, a call of another tool than a function, its output, or a field that nobody here knows.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from adapters.contract import llm

_TEXT = frozenset({"type", "text", "refusal", "annotations", "logprobs"})
_FIELDS = {
    "message": frozenset({"type", "id", "status", "role", "content"}),
    "function_call": frozenset({"type", "id", "status", "call_id", "name", "arguments"}),
    "function_call_output": frozenset({"type", "id", "status", "call_id", "output"}),
    "input_text": _TEXT,
    "output_text": _TEXT,
    "refusal": _TEXT,
    "input_image": frozenset({"type", "image_url", "detail"}),
}
"""What a message has of an item, and of its parts."""

MADE_UP = "item"
"""The prefix of ids for items that have none; no server is told of them."""

_MADE_UP = re.compile(MADE_UP + r"_[0-9a-f]{32}")
_OWNER = "items of "


def is_plain(item: dict[str, Any]) -> bool:
    """Whether a message can say all that is in ``item``."""
    inner = item.get("output") if item.get("type") == "function_call_output" else item.get("content")
    parts = inner if isinstance(inner, list) else []
    return _is_known({"type": "message", **item}) and all(isinstance(part, dict) and _is_known(part) for part in parts)


def _is_known(value: dict[str, Any]) -> bool:
    kind = value.get("type")
    fields = _FIELDS.get(kind) if isinstance(kind, str) else None
    return fields is not None and all(name in fields for name, each in value.items() if each)


def raw(item: dict[str, Any], route: str) -> llm.Opaque:
    """``item`` for requests that are passed on at the gateway's ``route``."""
    return llm.Opaque(route=_OWNER + route, data=item)


def raw_output(output: Any, route: str) -> Iterator[llm.Opaque]:
    """The items of an answer, if its message does not say all of them."""
    items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    if not all(is_plain(item) for item in items if not _is_reasoning(item)):  # the adapter keeps reasoning itself
        yield from (raw(item, route) for item in items)


def _is_reasoning(item: dict[str, Any]) -> bool:
    return item.get("type") == "reasoning"


def is_raw(part: llm.Part) -> bool:
    """Whether ``part`` is one of these items."""
    return isinstance(part, llm.Opaque) and part.route.startswith(_OWNER)


def with_raw(messages: Iterable[llm.Message], route: str) -> Iterator[llm.Message | dict[str, Any]]:
    """``messages`` with the items of ``route`` in place of those that have some."""
    for message in messages:
        kept = [part.data for part in message.parts if isinstance(part, llm.Opaque) and part.route == _OWNER + route]
        if not kept:
            yield message
        yield from (_as_given(item) for item in kept if not _is_empty(item))


def _is_empty(item: dict[str, Any]) -> bool:
    """Whether an item says nothing: a server that stores nothing does not know reasoning by its id."""
    return _is_reasoning(item) and not item.get("encrypted_content") and not item.get("content")


def _as_given(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "id" or not _MADE_UP.fullmatch(str(value))}
