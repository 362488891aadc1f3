"""The options that several synthesisers have, declared once because their names are the same."""

from typing import Annotated

from msgspec import Meta

Model = Annotated[
    Annotated[str, Meta(min_length=1)] | None,
    Meta(description="Model of the synthesiser: a folder or file, a hub id, or the name that its server knows."),
]
