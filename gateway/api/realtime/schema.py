"""Wire types of the Realtime API's HTTP routes, and its configuration in the words of the Beta."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

FIELDS = {"model": "model", "conversation": "conversation"}
"""What the fields of the contract are called here."""


class ExpiresAfter(msgspec.Struct, frozen=True, kw_only=True):
    """How long a client secret is good."""

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Meta(ge=10, le=7200, description="Seconds from now on.")] = 600


class ClientSecretRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A client secret, which opens sessions of one configuration for a time."""

    expires_after: ExpiresAfter = ExpiresAfter()
    session: Annotated[
        dict[str, Any] | None,
        Meta(description="The configuration of the session, of type realtime (with a model) or transcription."),
    ] = None


class ClientSecretAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A client secret: ``value`` is shown as a key."""

    value: str
    expires_at: int
    session: dict[str, Any]


class BetaSessionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration of a session in the words of the Beta; all fields of it are taken, these are the usual ones."""

    model: str | None = None
    instructions: str | None = None
    voice: str | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    input_audio_format: str | None = None
    output_audio_format: str | None = None
    input_audio_transcription: dict[str, Any] | None = None
    turn_detection: dict[str, Any] | None = None
