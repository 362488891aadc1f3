"""Types of fields that the requests of several surfaces have."""

from typing import Annotated

from msgspec import Meta

from gateway.conversation.conversation import LONGEST_GIVEN_ID

ShortText = Annotated[str, Meta(max_length=256)]
"""A name, an id, a language."""

GivenId = Annotated[str, Meta(max_length=LONGEST_GIVEN_ID)]
"""The id of an answer or an item, which may be of another server."""

RouteName = Annotated[ShortText | None, Meta(description="A route of the gateway; its first one when left out.")]
"""The field ``model``."""
