"""Which of a session's items are stored, and what their changes come to in the stored conversation; pure."""

from collections.abc import Callable
from functools import partial

import msgspec

from adapters.contract import llm
from gateway.conversation.conversation import Conversation, Messages
from gateway.realtime.item_messages import grouped, items_of, messages_of
from gateway.realtime.protocol.items import FunctionCallItem, Item, MessageItem
from gateway.realtime.session.commands import Remember


class StoredItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of an item: its part of ``message``, in the turn number ``turn`` since the conversation began.

    ``turn`` is ``None`` in the opening, which stays for good. ``step`` is the one of this session that it came with;
    ``None`` for what was there before the session.
    """

    message: llm.Message
    turn: int | None
    step: str | None = None


Stored = dict[str, StoredItem]
"""By the ids of the items."""


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """A stored conversation with the items of a session, what is ``stored`` of them, and the ``steps`` that changed."""

    conversation: Conversation
    stored: Stored
    steps: frozenset[str]


def merged(conversation: Conversation, stored: Stored, said: Remember, step: str) -> Merged:
    """``conversation`` with what has changed since ``stored``; what is new comes with the step ``step``.

    New items come last: others may have gone on with the conversation meanwhile. What the session has shortened,
    substituted or deleted is so where it is. All else stays as it is, also what was dropped from the session.
    """
    items = {item.id: item for item in said.items}
    kept: Stored = {}
    steps: set[str] = set()
    for item_id, before in stored.items():
        now: llm.Message | None = before.message
        if item_id in items.keys() | said.deleted:
            now = stored_message(items.get(item_id))
        if now != before.message and (its_step := before.step or _step_of(conversation, before.message)) is not None:
            replaced = partial(_replaced, before.message, () if now is None else now.parts)
            conversation = conversation.with_step(its_step, replaced)
            if before.step is not None:  # the items of others' steps are theirs
                steps.add(before.step)
            if now is None:
                conversation = conversation.without_item(item_id)
        if now is not None and item_id in items:
            kept[item_id] = msgspec.structs.replace(before, message=now)
    return _with_new(Merged(conversation=conversation, stored=kept, steps=frozenset(steps)), said.items, step)


def _step_of(conversation: Conversation, said: llm.Message) -> str | None:
    """The last step that has what was ``said`` before the session, as far as that is noted."""
    for step in reversed(conversation.steps):
        for message in conversation.added_by(step.id) or ():
            if message.role == said.role and all(part in message.parts for part in said.parts):
                return step.id
    return None


def _replaced(said: llm.Message, by: tuple[llm.Part, ...], messages: Messages) -> Messages:
    """``messages`` with ``by`` in place of the parts of ``said``, of each the newest, where they are there."""
    drafts = [(message, list(message.parts)) for message in messages]
    place: tuple[list[llm.Part], int] | None = None
    for part in reversed(said.parts):
        for message, parts in reversed(drafts):
            if message.role == said.role and part in parts:
                number = len(parts) - 1 - parts[::-1].index(part)
                del parts[number]
                place = parts, number
                break
    if place is not None:
        kept, number = place
        kept[number:number] = by
    return tuple(msgspec.structs.replace(message, parts=tuple(parts)) for message, parts in drafts if parts)


def _with_new(before: Merged, items: tuple[Item, ...], step: str) -> Merged:
    """``before`` with those of ``items`` that are not stored; the system's at the head belong to the opening."""
    conversation, stored = before.conversation, {**before.stored}
    for item in items:
        message = stored_message(item)
        if item.id in stored and stored[item.id].turn is None:
            continue
        if item.id in stored or (message is not None and message.role != "system"):
            break
        if message is not None:
            conversation = conversation.opened_with((message,))
            stored[item.id] = StoredItem(message=message, turn=None, step=step)
    for group in grouped(item for item in items if item.id not in stored):
        conversation = conversation.after(messages_of(group, _no_recording))
        turn = conversation.gone + len(conversation.turns) - 1
        said = ((item.id, message) for item in group if (message := stored_message(item)) is not None)
        stored |= {item_id: StoredItem(message=message, turn=turn, step=step) for item_id, message in said}
    steps = before.steps if stored.keys() == before.stored.keys() else before.steps | {step}
    return Merged(conversation=conversation, stored=stored, steps=steps)


def answered(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """``items`` up to the last one that the model said."""
    said = (
        isinstance(item, FunctionCallItem) or (isinstance(item, MessageItem) and item.role == "assistant")
        for item in items
    )
    return items[: max((number for number, by_model in enumerate(said, 1) if by_model), default=0)]


def stored_message(item: Item | None) -> llm.Message | None:
    """What is stored of an item; ``None`` for what is not there, is unfinished or has no words."""
    messages = () if item is None else messages_of((item,), _no_recording)
    return messages[0] if messages else None


def _no_recording(_item_id: str) -> None:
    """Recordings are not stored."""


def recalled(conversation: Conversation, new_id: Callable[[str], str]) -> tuple[tuple[Item, ...], Stored]:
    """The items of a stored conversation, and where each is."""
    places: list[tuple[int | None, tuple[llm.Message, ...]]] = [(None, conversation.opening)]
    places += [(number, turn.messages) for number, turn in enumerate(conversation.turns, conversation.gone)]
    items: list[Item] = []
    stored: Stored = {}
    for turn, messages in places:
        for message in messages:
            found = items_of((message,), new_id)
            items += found
            stored |= {item.id: StoredItem(message=stored_message(item) or message, turn=turn) for item in found}
    return tuple(items), stored
