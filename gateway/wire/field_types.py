"""Types of fields that the requests of several surfaces have."""

from typing import Annotated

from msgspec import Meta

ShortText = Annotated[str, Meta(max_length=256)]
"""A name, an id, a language."""

RouteName = Annotated[ShortText | None, Meta(description="A route of the gateway; its first one when left out.")]
"""The field ``model``."""
