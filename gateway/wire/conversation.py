"""How requests name the conversation that a turn belongs to."""

from typing import Annotated

import msgspec
from msgspec import Meta

from adapters.contract.errors import InvalidRequest
from gateway.conversation.conversation import ID

ConversationName = Annotated[str, Meta(extra_json_schema={"pattern": "^[A-Za-z0-9_-]{1,64}$"})]
"""A conversation's id; ``conversation_name`` checks it: in Python the ``$`` of a pattern lets a line feed follow."""


class ConversationId(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation by id."""

    id: ConversationName


def conversation_name(conversation: str | ConversationId | None) -> str | None:
    """The id of the conversation that is named. Raises ``InvalidRequest`` for what cannot be an id."""
    name = conversation.id if isinstance(conversation, ConversationId) else conversation
    if name is not None and not ID.fullmatch(name):
        raise InvalidRequest(
            f"Invalid 'conversation': {name[:100]!r} must match [A-Za-z0-9_-]{{1,64}}.",
            param="conversation",
            code="invalid_value",
        )
    return name
