"""Wire types of the voices surface, in the form that user interfaces for speech servers read."""

from typing import Annotated

import msgspec
from msgspec import Meta


class VoicesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of the request."""

    model: Annotated[
        str | None,
        Meta(description="Whose voices; the first model's when left out. OpenAI's names of speech models work too."),
    ] = None


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A voice; ``language`` (ISO 639-1) is null for one that speaks several, or where it is not known."""

    id: str
    name: str
    language: str | None


class VoiceList(msgspec.Struct, frozen=True, kw_only=True):
    """All voices of a model: OpenAI's names, then the engine's own."""

    voices: list[Voice]
