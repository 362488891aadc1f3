"""What a model is shown of the items of a step: all that is known of it once a client has taken one out."""

from collections.abc import Collection
from typing import Any

from adapters.contract import llm
from gateway.conversation.conversation import Messages
from gateway.conversation.normal_form import has_content
from gateway.conversation.raw_items import is_raw
from gateway.wire.item_messages import joined
from gateway.wire.kept_items import Items, StepItems
from gateway.wire.passed_items import message_in


def messages_left(step: StepItems, removed: Collection[str], route: str) -> Messages:
    """The messages of the items of ``step``, answered by ``route``, that are not ``removed``.

    What a provider wants back is not among them: it belongs to an answer as a whole.
    """
    given, output = _left(step, removed, route)
    return joined((*given, *output))


def count_of(step: StepItems, removed: Collection[str]) -> int:
    """How many messages ``step`` added to a history that did not note it; an answer was one, whatever its items."""
    given, output = _left(step, removed, None)
    return len(joined(given)) + min(1, len(joined(output)))


def _left(step: StepItems, removed: Collection[str], route: str | None) -> tuple[list[llm.Message], list[llm.Message]]:
    given = len(step.given)
    output = _shown(step.output, step.messages[given:], removed, route)
    return (
        _shown(step.given, step.messages[:given], removed, route),
        [each for each in output if has_content(each) or each.reasoning is not None or any(map(is_raw, each.parts))],
    )


def _shown(items: Items, messages: Messages, removed: Collection[str], route: str | None) -> list[llm.Message]:
    """What ``items`` say, but for those ``removed``: their ``messages``, if they were made of such."""
    said = messages or [_message_in(item, route) for item in items]
    kept = (message for item, message in zip(items, said, strict=True) if item.get("id") not in removed)
    return [message for message in kept if message is not None]


def _message_in(item: dict[str, Any], route: str | None) -> llm.Message | None:
    """A server refuses reasoning itself without the item that it led to: only its words are kept."""
    return message_in(item, None if item.get("type") == "reasoning" else route or None)
