"""Checks events of the Realtime API against the types of the openai package, as its strictest readers do."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, Field, TypeAdapter

from gateway.realtime.protocol.server_events import ServerEvent

_READER: TypeAdapter[Any] = TypeAdapter(Annotated[RealtimeServerEvent, Field(discriminator="type")])

OURS = {"speculative_tokens"}
"""Fields that OpenAI does not know."""

NOT_IN_THE_PACKAGE = {"id", "object", "expires_at"}
"""Fields of a session that OpenAI sends, though the package types it as a request."""


def checked(event: ServerEvent) -> dict[str, Any]:
    """The event as it is sent. Fails where the package does not take it strictly, or does not know a field of it."""
    return checked_frame(msgspec.json.encode(event))


def checked_frame(frame: bytes | str) -> dict[str, Any]:
    """The event in a frame. Fails where the package does not take it strictly, or does not know a field of it."""
    values: dict[str, Any] = msgspec.json.decode(frame)
    parsed = _READER.validate_python(values, strict=True)
    assert set(_unknown(parsed)) <= OURS | NOT_IN_THE_PACKAGE, sorted(set(_unknown(parsed)))
    assert values["event_id"]
    return values


def _unknown(value: Any) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from value.model_extra or {}
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name))
    elif isinstance(value, list):
        for each in value:
            yield from _unknown(each)
