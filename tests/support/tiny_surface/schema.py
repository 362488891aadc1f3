"""Wire types of the tiny surface; another surface has a ``Usage`` too."""

import msgspec


class TinyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A text."""

    text: str
    language: str | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """How many words a text has."""

    words: int
