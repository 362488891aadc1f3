"""Items of a request that is passed on, which may be of any type: as they are kept, and what a history keeps."""

from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.conversation.item_ids import id_in, new_family
from gateway.conversation.raw_items import MADE_UP, is_plain, raw
from gateway.wire.item_messages import joined, message_of
from gateway.wire.items import PREFIXES, Item, named
from gateway.wire.kept_items import Items


def kept_items(given: str | Items | None, family: str) -> Items:
    """The input as a list of items, each with an id, of ``family`` where it has none."""
    if given is None or isinstance(given, str):
        given = [] if given is None else [{"role": "user", "content": given}]
    return [_kept(item, family, number) for number, item in enumerate(given)]


def _kept(item: dict[str, Any], family: str, number: int) -> dict[str, Any]:
    if (whole := _whole(item)) is None:
        return {"type": "message", **item, "id": item.get("id") or id_in(family, MADE_UP, number)}
    kept: dict[str, Any] = msgspec.to_builtins(whole)
    return kept if item.get("id") else kept | {"id": id_in(family, PREFIXES[type(whole)], number)}


def _known(item: dict[str, Any]) -> Item | None:
    """The item as one of those that the gateway knows."""
    try:
        found: Item = msgspec.convert({"type": "message", **item}, Item)
        return named([found], "input", new_family())[0]
    except (msgspec.ValidationError, InvalidRequest):
        return None


def history_of(items: Items, route: str) -> tuple[llm.Message, ...]:
    """What a history keeps of ``items`` that are passed on at ``route``.

    Where that is not all of an item, the item itself is beside it; what another model could not be given is put into
    words, or left out.
    """
    found = (message_in(item, route) for item in items)
    return joined(message for message in found if message is not None)


def message_in(item: dict[str, Any], route: str | None) -> llm.Message | None:
    """What a history keeps of one item, before it is joined with that of others; without a ``route``, in words only."""
    whole = _whole(item)
    said = whole or _sayable(item)
    message = None if said is None else message_of(said)
    if route is None or whole is not None:
        return message
    role = item.get("role")
    if not isinstance(role, str) or not role:
        role = "tool" if str(item.get("type")).endswith(("_output", "_response")) else "assistant"
    if message is None:
        return llm.Message(role=role, parts=(raw(item, route),))
    return msgspec.structs.replace(message, role=role, parts=(*message.parts, raw(item, route)))


def _whole(item: dict[str, Any]) -> Item | None:
    """The item, if a message can say all of it."""
    known = _known(item) if is_plain(item) else None
    return known if known is not None and _is_sayable(known) else None


def _sayable(item: dict[str, Any]) -> Item | None:
    """An item that says what can be said of ``item``."""
    known = _known(item)
    if known is not None and _is_sayable(known):
        return known
    field = "output" if item.get("type") == "function_call_output" else "content"
    parts = item.get(field)
    shown = [_shown(item, field, part) for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return _known({**item, field: shown}) if shown else None


def _shown(item: dict[str, Any], field: str, part: dict[str, Any]) -> dict[str, Any]:
    """``part``, or words in its place."""
    alone = _known({**item, field: [part]})
    if alone is not None and _is_sayable(alone):
        return part
    text = part.get("text")
    return {"type": "input_text", "text": text if isinstance(text, str) else f"({part.get('type')})"}


def _is_sayable(item: Item) -> bool:
    try:
        message_of(item)
    except InvalidRequest:  # such as an image in a place where most models take none
        return False
    return True
