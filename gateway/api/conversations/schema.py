"""Wire types of the Conversations API."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.wire.items import Item
from gateway.wire.metadata import Metadata

NewItems = Annotated[list[Item], Meta(max_length=20)]
"""Items that are added at once."""


class ConversationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A new conversation."""

    items: Annotated[NewItems | None, Meta(description="What it begins with.")] = None
    metadata: Metadata | None = None


class UpdateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client notes beside a conversation, in place of what was noted before."""

    metadata: Metadata


class ItemsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Items that go on with a conversation."""

    items: NewItems


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation; its items are a list of their own."""

    id: str
    object: str = "conversation"
    created_at: int
    metadata: dict[str, str]


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that is no longer kept."""

    id: str
    object: str = "conversation.deleted"
    deleted: bool = True


FIELDS = {"messages": "items"}
"""The contract's fields that have another name here."""
