"""The items of what is kept: of one step (an answer or an edit), and of a conversation."""

import logging
from typing import Any

import msgspec

from adapters.contract import llm
from gateway.conversation.archive import Archive
from gateway.conversation.conversation import Conversation, Messages
from gateway.wire.item_messages import items_of, single

logger = logging.getLogger(__name__)

Items = list[dict[str, Any]]
"""Items as JSON objects: those of an answer that was passed on may be of any type."""


class StepItems(msgspec.Struct, frozen=True, kw_only=True):
    """What was given and what came out in one step; ``messages`` are those that the items of a spoken turn tell of."""

    given: Items
    output: Items
    messages: Messages = ()


async def step_items(archive: Archive, step: str) -> StepItems:
    """The items of the step ``step``; those of a spoken turn are made of what was said."""
    if (record := await archive.record(step)) is not None:
        return StepItems(given=_array(record.items), output=_output(record.response))
    state = await archive.state(step)
    if state is None:
        return StepItems(given=[], output=[])
    given, answer = _exchange(state)
    heard, said = items_of(given, step), items_of(answer, f"{step} answer")
    return StepItems(
        given=msgspec.to_builtins(list(heard)),
        output=msgspec.to_builtins(list(said)),
        messages=single((*given, *answer)),
    )


def _exchange(state: Conversation) -> tuple[list[llm.Message], list[llm.Message]]:
    """What a spoken turn added: the question, or the results of calls, and the answer if there is any."""
    added = state.added_by(state.steps[-1].id) if state.steps else None
    messages = [message for turn in state.turns[-1:] for message in turn.messages] if added is None else list(added)
    answer = [messages.pop()] if messages and messages[-1].role == "assistant" else []
    if added is not None:
        return messages, answer
    start = len(messages) - 1
    while start > 0 and messages[start].role == messages[start - 1].role == "tool":
        start -= 1
    return messages[max(start, 0) :], answer


async def conversation_items(archive: Archive, conversation: Conversation) -> Items:
    """All items of a conversation, the oldest first, as far as they are kept."""
    items: Items = []
    for step in conversation.steps:
        found = await step_items(archive, step.id)
        items += found.given
        items += found.output
    return [item for item in items if item.get("id") not in conversation.removed]


def _array(data: bytes) -> Items:
    try:
        items: Items = msgspec.json.decode(data, type=list[dict[str, Any]])
    except msgspec.MsgspecError:
        logger.warning("the store of conversations holds items that cannot be read")
        return []
    return items


def _output(response: bytes | None) -> Items:
    """The output of a response object."""
    if response is None:
        return []
    try:
        read = msgspec.json.decode(response, type=_Output)
    except msgspec.MsgspecError:
        logger.warning("the store of conversations holds a response that cannot be read")
        return []
    return read.output


class _Output(msgspec.Struct):
    output: list[dict[str, Any]] = []
