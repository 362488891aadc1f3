"""Conversations that clients make and change themselves; items that are added are a step of the conversation."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from adapters.contract import llm
from gateway.conversation.archive import Archive
from gateway.conversation.conversation import Conversation, NotFound, begun
from gateway.conversation.snapshot import Record
from gateway.wire.item_messages import RECORDING, messages_of, parts_of, role_of
from gateway.wire.items import Item, named
from gateway.wire.kept_items import Items, conversation_items


async def begin(archive: Archive, items: list[Item], metadata: dict[str, str]) -> Conversation:
    """A new conversation that begins with ``items``. Raises ``InvalidRequest``."""
    conversation = begun(f"conv_{uuid.uuid4().hex}", metadata)
    if items:
        step, _, grown = await _recorded(archive, items)
        conversation = grown(conversation).stepped(step)
    await archive.begin(conversation)
    return conversation


async def update(archive: Archive, name: str, metadata: dict[str, str]) -> Conversation:
    """The conversation ``name`` with other ``metadata``. Raises ``NotFound``."""
    return await archive.edit(name, lambda conversation: msgspec.structs.replace(conversation, metadata=metadata))


async def add(archive: Archive, name: str, items: list[Item]) -> Items:
    """Go on with the conversation ``name``; the items as they are kept. Raises ``NotFound``, ``InvalidRequest``."""
    await archive.conversation(name)
    step, given, grown = await _recorded(archive, items)
    await archive.edit(name, lambda conversation: grown(conversation).stepped(step))
    listed: Items = msgspec.to_builtins(given)
    return listed


async def _recorded(
    archive: Archive, items: list[Item]
) -> tuple[str, tuple[Item, ...], Callable[[Conversation], Conversation]]:
    """Keep the record of a step that adds ``items``: its id, the items with theirs, and what it does."""
    given = named(items, "items")
    messages = messages_of(given, "items")
    step = f"items_{uuid.uuid4().hex}"
    await archive.keep_record(step, Record(items=msgspec.json.encode(given)))
    return step, given, lambda conversation: conversation.with_added(messages)


async def find(archive: Archive, name: str, item_id: str) -> dict[str, Any]:
    """An item of the conversation ``name``. Raises ``NotFound``."""
    for item in await conversation_items(archive, await archive.conversation(name)):
        if item.get("id") == item_id:
            return item
    raise NotFound(f"Item with id '{item_id[:100]}' not found in the conversation '{name[:100]}'.")


async def remove(archive: Archive, name: str, item_id: str) -> Conversation:
    """Take an item out of the conversation ``name``: later answers are not shown it. Raises ``NotFound``."""
    item = await find(archive, name, item_id)
    try:
        known = msgspec.convert(item, Item)
    except msgspec.ValidationError:
        parts = []  # of a type that no language model is given
    else:
        said = role_of(known) == "assistant"
        parts = [partial(_same, said, part) for part in parts_of(known)]
    return await archive.edit(name, lambda conversation: conversation.without_item(item_id, parts))


def _same(said: bool, wanted: llm.Part, role: str, part: llm.Part) -> bool:
    """Whether ``part`` of a message of ``role`` is ``wanted``, which the assistant ``said``, or did not.

    Of images and recordings an item shows less than is kept.
    """
    if (role == "assistant") != said:
        return False
    match part:
        case llm.Image():
            return isinstance(wanted, llm.Image) and part.url == wanted.url
        case llm.Audio():
            return wanted == RECORDING
        case _:
            return part == wanted
