"""The items of what is kept: of one step (an answer or an edit), and of a conversation."""

import logging
from typing import Any

import msgspec

from adapters.contract import llm
from gateway.conversation.archive import Archive
from gateway.conversation.conversation import Conversation
from gateway.wire.item_messages import items_of

logger = logging.getLogger(__name__)

Items = list[dict[str, Any]]
"""Items as JSON objects: those of an answer that was passed on may be of any type."""


class StepItems(msgspec.Struct, frozen=True, kw_only=True):
    """What was given and what came out in one step; ``found`` says whether anything of the step is kept."""

    given: Items
    output: Items
    found: bool = True


async def step_items(archive: Archive, step: str) -> StepItems:
    """The items of the step ``step``; those of a spoken turn are made of what was said."""
    if (record := await archive.record(step)) is not None:
        return StepItems(given=_array(record.items), output=_output(record.response))
    state = await archive.state(step)
    if state is None:
        return StepItems(given=[], output=[], found=False)
    given, answer = last_exchange(state)
    items = [*items_of(given, step), *items_of(answer, f"{step} answer")]
    listed = msgspec.to_builtins(items)
    count = len(items_of(given, step))
    return StepItems(given=listed[:count], output=listed[count:])


def last_exchange(state: Conversation) -> tuple[tuple[llm.Message, ...], tuple[llm.Message, ...]]:
    """What the newest answer of a conversation answers, and that answer."""
    messages = state.turns[-1].messages if state.turns else ()
    end = len(messages)
    while end and messages[end - 1].role != "assistant":
        end -= 1  # an answer in which nothing was said is not kept
    begin = max(end - 1, 0)
    start = begin
    while start and messages[start - 1].role != "assistant":
        start -= 1
    return messages[start:begin], messages[begin:end]


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
