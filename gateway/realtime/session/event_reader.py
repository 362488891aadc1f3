"""Reads a client's frames: each is a client event, or refused in the words of OpenAI's errors."""

from typing import Any, get_args

import msgspec

from adapters.contract.errors import InvalidRequest
from gateway.realtime.protocol.client_events import ClientEvent, InputAudioBufferAppend, SessionUpdate
from gateway.realtime.protocol.items import LONGEST_AUDIO
from gateway.realtime.session.inputs import Refused
from gateway.wire.invalid_fields import invalid
from gateway.wire.json_text import decode_json
from gateway.wire.supported_values import supported_values

_append_decoder = msgspec.json.Decoder(InputAudioBufferAppend)
_TYPES = {str(kind.__struct_config__.tag): kind for kind in get_args(ClientEvent)}


def read_event(frame: str) -> ClientEvent | Refused:
    """The event in a text frame; ``null`` is the same as absent, but in a session's configuration."""
    try:
        return _append_decoder.decode(frame)  # by far the most frequent, and it holds nothing of unknown shape
    except (msgspec.DecodeError, RecursionError):  # a ValidationError is one
        return _read_bounded(frame)


def _read_bounded(frame: str) -> ClientEvent | Refused:
    """The event, or what is wrong with it. Values of any shape are bounded before objects are made of them."""
    try:
        values = decode_json(frame)
    except ValueError as error:  # msgspec.DecodeError is one
        return Refused(message=f"The event could not be parsed: it has to be JSON ({error}).", code="invalid_event")
    if not isinstance(values, dict):
        return Refused(message="The event has to be a JSON object with a 'type'.", code="invalid_event")
    event_id = values.get("event_id")
    named = event_id[:512] if isinstance(event_id, str) else None
    kind = values.get("type")
    if not isinstance(kind, str):
        return Refused(message="The 'type' field is missing.", code="invalid_event", event_id=named)
    if kind not in _TYPES:
        message = f"Invalid value: {kind[:100]!r}. {supported_values(tuple(_TYPES))}"
        return Refused(message=message, code="invalid_value", param="type", event_id=named)
    return _converted(values, _TYPES[kind], named)


def _converted(values: dict[str, Any], kind: type[ClientEvent], event_id: str | None) -> ClientEvent | Refused:
    if kind is not SessionUpdate:
        values = _without_nulls(values)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        return Refused.of(_problem(str(error), values, kind), event_id)


def _problem(words: str, values: dict[str, Any], kind: type[ClientEvent]) -> InvalidRequest:
    """What msgspec says about ``values``, in OpenAI's words."""
    reason, _, path = words.partition(" - at `$.")
    param = path.rstrip("`")
    if reason == "Invalid base64 encoded string":
        message = f"Invalid '{param}'. Expected base64-encoded audio bytes but got an invalid value."
    elif reason.startswith("Expected `bytes` of length"):
        message = f"Invalid '{param}': too much audio. Expected at most {LONGEST_AUDIO} bytes; send more events."
    else:
        return invalid(words, values, kind)
    return InvalidRequest(message, param=param, code="invalid_value")


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nulls(each) for name, each in value.items() if each is not None}
        case list():
            return [_without_nulls(each) for each in value]
        case _:
            return value
