"""Notes of a client beside something that is kept."""

from typing import Annotated

from msgspec import Meta

Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
]
"""At most 16 pairs, keys of at most 64 and values of at most 512 characters."""
