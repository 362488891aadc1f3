"""The headings of settings, and how a setting is declared."""

from typing import Annotated, Any

from msgspec import Meta

SERVER, LANGUAGE_MODEL, RECOGNITION, SYNTHESIS, VOICE_ACTIVITY = GROUPS = (
    "Server",
    "Language model",
    "Recognition",
    "Synthesis",
    "Voice activity",
)
"""Headings of ``--help``; the settings under ``SERVER`` cannot be set per route."""

Text = Annotated[str, Meta(min_length=1)]


def option(group: str, description: str, **limits: Any) -> Meta:
    """Describe a setting: its heading, what it does, and the limits of ``msgspec.Meta``."""
    return Meta(description=description, extra={"group": group}, **limits)
