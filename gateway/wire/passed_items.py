"""Items of a request that is passed on, which may be of any type: as they are kept, and what a history keeps."""

import uuid
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.wire.item_messages import joined, parts_of
from gateway.wire.items import Item, named
from gateway.wire.kept_items import Items


def kept_items(given: str | list[dict[str, Any]] | None) -> Items:
    """The input as a list of items, each with an id."""
    if given is None or isinstance(given, str):
        given = [] if given is None else [{"role": "user", "content": given}]
    return [_kept(item) for item in given]


def _kept(item: dict[str, Any]) -> dict[str, Any]:
    if (known := _known(item)) is None:
        return {"type": "message", **item, "id": item.get("id") or f"item_{uuid.uuid4().hex}"}
    kept: dict[str, Any] = msgspec.to_builtins(known)
    return kept


def _known(item: dict[str, Any]) -> Item | None:
    """The item as one of those that the gateway knows."""
    try:
        found: Item = msgspec.convert({"type": "message", **item}, Item)
        return named([found], "input")[0]
    except (msgspec.ValidationError, InvalidRequest):
        return None


def history_of(items: Items) -> tuple[llm.Message, ...]:
    """What a history keeps of ``items``; what another model could not be given is put into words, or left out."""
    found = (_sayable(item) for item in items)
    return joined(item for item in found if item is not None)


def _sayable(item: dict[str, Any]) -> Item | None:
    if (known := _known(item)) is not None:
        try:
            parts_of(known)
        except InvalidRequest:
            pass  # such as an image in a place where most models take none
        else:
            return known
    field = "output" if item.get("type") == "function_call_output" else "content"
    parts = item.get(field)
    words = [_words(part) for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return _known({**item, field: "\n".join(words)}) if words else None


def _words(part: dict[str, Any]) -> str:
    return part["text"] if isinstance(part.get("text"), str) else f"({part.get('type')})"
