"""The Beta of the Realtime API, translated at the edge: other names for the same events."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.api.realtime.frames import frame_of
from gateway.realtime.protocol.client_events import ClientEvent
from gateway.realtime.protocol.server_events import ItemDone, ServerEvent
from gateway.realtime.session.event_reader import read_event
from gateway.realtime.session.inputs import Refused
from gateway.wire.json_text import decode_json

HEADER = b"openai-beta"
WORD = "realtime=v1"
SUB_PROTOCOL = "openai-beta.realtime-v1"

FORMATS: dict[str, dict[str, Any]] = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
_FORMAT_NAMES = {each["type"]: name for name, each in FORMATS.items()}

EVENTS = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}
"""Server events: today's names, and those of the Beta."""

_PLACES: dict[str, tuple[str, ...]] = {
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
    "output_audio_format": ("audio", "output", "format"),
    "input_audio_format": ("audio", "input", "format"),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
    "modalities": ("output_modalities",),
    "max_response_output_tokens": ("max_output_tokens",),
}
"""Where today's configuration has the fields of the Beta's, which is flat."""

_GONE = ("temperature",)


def is_beta(scope: Mapping[str, Any]) -> bool:
    """Whether a client that connects speaks the Beta."""
    said = any(name == HEADER and WORD in value.decode("latin-1") for name, value in scope["headers"])
    return said or SUB_PROTOCOL in scope.get("subprotocols", ())


def read_beta_event(frame: str) -> ClientEvent | Refused:
    """The event in a frame of a client that speaks the Beta."""
    try:
        event = decode_json(frame)
    except ValueError:  # refused there in the words of the API
        return read_event(frame)
    if not isinstance(event, dict) or event.get("type") == "input_audio_buffer.append":
        return read_event(frame)
    return read_event(msgspec.json.encode(_current_event(event)).decode())


def beta_frames(event: ServerEvent) -> Iterable[bytes]:
    """The frames of an event for a client that speaks the Beta."""
    if isinstance(event, ItemDone):  # told of when it was added
        return
    told = msgspec.to_builtins(event)
    told["type"] = EVENTS.get(told["type"], told["type"])
    if isinstance(session := told.get("session"), dict):
        if session["type"] == "transcription":
            told["type"] = f"transcription_{told['type']}"
        told["session"] = beta_session(session)
    if isinstance(response := told.get("response"), dict):
        told["response"] = _beta_response(response)
    if isinstance(item := told.get("item"), dict):
        told["item"] = _renamed(item, _BETA_CONTENT)
    yield frame_of(told)


def _current_event(event: dict[str, Any]) -> dict[str, Any]:
    kind = event.get("type")
    if kind == "transcription_session.update":
        return {**event, "type": "session.update", "session": current_session(event.get("session"))}
    if kind == "session.update":
        return {**event, "session": current_session(event.get("session"))}
    if kind == "conversation.item.create":
        return {**event, "item": _renamed(event.get("item"), _CURRENT_CONTENT)}
    if kind == "response.create" and isinstance(response := event.get("response"), dict):
        current = current_session(response)
        if isinstance(items := response.get("input"), list):
            current["input"] = [_renamed(item, _CURRENT_CONTENT) for item in items]
        return {**event, "response": current}
    return event


def current_session(session: Any) -> Any:
    """A configuration of the Beta as it is written today."""
    if not isinstance(session, dict):
        return session
    current: dict[str, Any] = {}
    for name, value in session.items():
        if name in _GONE:
            continue
        *folders, last = _PLACES.get(name, (name,))
        within = current
        for folder in folders:
            within = within.setdefault(folder, {})
        within[last] = _current_value(name, value)
    return current


def _current_value(name: str, value: Any) -> Any:
    if name.endswith("_audio_format") and isinstance(value, str):
        return FORMATS.get(value, value)
    if name == "modalities" and isinstance(value, list):
        return ["audio"] if "audio" in value else value
    return value


def beta_session(session: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as the Beta writes it."""
    flat = {name: value for name, value in session.items() if name not in ("audio", "type", "output_modalities")}
    for name, place in _PLACES.items():
        value: Any = session
        for folder in place:
            value = value.get(folder) if isinstance(value, dict) else None
        if value is not None or place[-1] in ("transcription", "noise_reduction", "turn_detection"):
            flat[name] = _beta_value(name, value)
    flat.pop("max_output_tokens", None)
    return flat


def _beta_value(name: str, value: Any) -> Any:
    if name.endswith("_audio_format") and isinstance(value, dict):
        return _FORMAT_NAMES[value["type"]]
    if name == "modalities":
        return ["audio", "text"] if "audio" in value else value
    return value


def _beta_response(response: dict[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in response.items() if name not in ("audio", "output_modalities")}
    output = response["audio"]["output"]
    return flat | {
        "modalities": _beta_value("modalities", response["output_modalities"]),
        "voice": output["voice"],
        "output_audio_format": _FORMAT_NAMES[output["format"]["type"]],
        "output": [_renamed(item, _BETA_CONTENT) for item in response["output"]],
    }


_BETA_CONTENT = {"output_text": "text", "output_audio": "audio"}
_CURRENT_CONTENT = {beta: current for current, beta in _BETA_CONTENT.items()}


def _renamed(item: Any, names: Mapping[str, str]) -> Any:
    """``item`` with other names for what it holds."""
    if not isinstance(item, dict) or not isinstance(content := item.get("content"), list):
        return item
    parts = [
        {**part, "type": names.get(part["type"], part["type"])}
        if isinstance(part, dict) and isinstance(part.get("type"), str)
        else part
        for part in content
    ]
    return {**item, "content": parts}
