"""Wire types of the voices surface, in the form that user interfaces for speech servers read."""

import msgspec


class VoicesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of the request: the voices of which ``model``."""

    model: str | None = None


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A voice; ``language`` (ISO 639-1) is null for one that speaks several, or where it is not known."""

    id: str
    name: str
    language: str | None


class VoiceList(msgspec.Struct, frozen=True, kw_only=True):
    """All voices of a model: OpenAI's names, then the engine's own."""

    voices: list[Voice]
