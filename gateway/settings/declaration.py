"""The headings of settings, and how a setting is declared."""

from typing import Annotated, Any

from msgspec import Meta

SERVER, REALTIME, LANGUAGE_MODEL, RECOGNITION, SYNTHESIS, VOICE_ACTIVITY = GROUPS = (
    "Server",
    "Realtime",
    "Language model",
    "Recognition",
    "Synthesis",
    "Voice activity",
)
"""Headings of ``--help``; the settings under ``SERVER`` and ``REALTIME`` cannot be set per route."""

SERVER_GROUPS = (SERVER, REALTIME)

Text = Annotated[str, Meta(min_length=1)]


def option(group: str, description: str, **limits: Any) -> Meta:
    """Describe a setting: its heading, what it does, and the limits of ``msgspec.Meta``."""
    return Meta(description=description, extra={"group": group}, **limits)
