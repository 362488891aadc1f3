"""Conversations that clients make and change themselves; items that are added are a step of the conversation."""

import uuid
from functools import partial
from typing import Any

import msgspec

from gateway.conversation.archive import Archive
from gateway.conversation.conversation import Conversation, Messages, NotFound, begun
from gateway.conversation.item_ids import new_family
from gateway.conversation.snapshot import Record
from gateway.conversation.steps import Step
from gateway.wire.item_messages import messages_of
from gateway.wire.items import Item, named
from gateway.wire.kept_items import Items, conversation_items, step_items
from gateway.wire.step_messages import count_of, messages_left


async def begin(archive: Archive, items: list[Item], metadata: dict[str, str]) -> Conversation:
    """A new conversation that begins with ``items``. Raises ``InvalidRequest``."""
    conversation = begun(f"conv_{uuid.uuid4().hex}", metadata)
    if items:
        step, _, messages = await _recorded(archive, items)
        conversation = conversation.with_added(messages).stepped(step)
    await archive.begin(conversation)
    return conversation


async def update(archive: Archive, name: str, metadata: dict[str, str]) -> Conversation:
    """The conversation ``name`` with other ``metadata``. Raises ``NotFound``."""

    async def change(conversation: Conversation) -> Conversation:
        return msgspec.structs.replace(conversation, metadata=metadata)

    return await archive.edit(name, change)


async def add(archive: Archive, name: str, items: list[Item]) -> Items:
    """Go on with the conversation ``name``; the items as they are kept. Raises ``NotFound``, ``InvalidRequest``."""
    await archive.conversation(name)
    step, given, messages = await _recorded(archive, items)

    async def change(conversation: Conversation) -> Conversation:
        return conversation.with_added(messages).stepped(step)

    await archive.edit(name, change)
    listed: Items = msgspec.to_builtins(given)
    return listed


async def _recorded(archive: Archive, items: list[Item]) -> tuple[str, tuple[Item, ...], Messages]:
    """Keep the record of a step that adds ``items``: its id, the items with theirs, and as messages."""
    family = new_family()
    given = named(items, "items", family)
    messages = messages_of(given, "items")
    step = f"items_{uuid.uuid4().hex}"
    await archive.keep_record(step, Record(items=msgspec.json.encode(given)), [family])
    return step, given, messages


async def find(archive: Archive, name: str, item_id: str) -> dict[str, Any]:
    """An item of the conversation ``name``. Raises ``NotFound``."""
    for item in await conversation_items(archive, await archive.conversation(name)):
        if item.get("id") == item_id:
            return item
    raise NotFound(f"Item with id '{item_id[:100]}' not found in the conversation '{name[:100]}'.")


async def remove(archive: Archive, name: str, item_id: str) -> Conversation:
    """Take an item out of the conversation ``name``: later answers are not shown it, nor can requests refer to it.

    Raises ``NotFound``.
    """
    await find(archive, name, item_id)
    changed = await archive.edit(name, partial(_without, archive, item_id))
    await archive.disown(item_id)
    return changed


async def _without(archive: Archive, item_id: str, conversation: Conversation) -> Conversation:
    """``conversation`` without an item, in every step that has it: one may have referred to another's."""
    steps: list[Step] = []
    left: dict[str, Messages] = {}
    for step in conversation.steps:
        items = await step_items(archive, step.id)
        count = step.messages
        if count is None and (items.given or items.output):  # else what it added cannot be told from what came before
            count = count_of(items, conversation.removed)
        steps.append(msgspec.structs.replace(step, messages=count))
        if any(item.get("id") == item_id for item in (*items.given, *items.output)):
            left[step.id] = messages_left(items, {*conversation.removed, item_id}, step.route)
    conversation = msgspec.structs.replace(conversation, steps=tuple(steps))
    for step_id, messages in left.items():
        conversation = conversation.with_step(step_id, partial(_instead, messages))
    return conversation.without_item(item_id)


def _instead(left: Messages, _before: Messages) -> Messages:
    return left
