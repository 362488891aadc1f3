"""The speech-to-speech route's part of the API description: three ways to ask, two ways to be answered."""

from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import (
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Parameter,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType

from gateway.audio.encode import FORMATS
from gateway.http.headers import HEADERS
from gateway.http.openapi import ApiOperation, WireSchema, component_name, json_schema, reference
from gateway.wire.voice_events import VoiceEvent
from gateway.wire.voice_turn import STRUCTURES, SpeechToSpeechRequest

_BINARY = {"type": "string", "format": "binary"}


def _fields() -> dict[str, Any]:
    _, schemas = json_schema(SpeechToSpeechRequest)
    schema: dict[str, Any] = schemas[component_name(SpeechToSpeechRequest)]
    return schema


def _form() -> WireSchema:
    """The fields of the form: those of the JSON body, with files in place of base64."""
    schema = _fields()
    fields = {name: field for name, field in schema["properties"].items() if name != "input_audio"}
    fields["image"] = {
        "type": "array",
        "items": {"anyOf": [_BINARY, {"type": "string"}]},
        "description": "Images to look at: files or URLs; may be repeated.",
    }
    recording = {**_BINARY, "description": "The recording, in any common format; left out only after a tool result."}
    return WireSchema(wire={**schema, "title": "SpeechToSpeechForm", "properties": {"file": recording, **fields}})


def _description(field: dict[str, Any]) -> str:
    """What is said of a field, wherever in its schema that stands."""
    found: list[str] = [part["description"] for part in (field, *field["anyOf"]) if "description" in part]
    return found[0]


def _query() -> list[Parameter]:
    """The fields that fit into a query string, for a body that is the recording itself."""
    return [
        Parameter(
            name=name,
            param_in="query",
            schema=WireSchema(wire={key: value for key, value in field.items() if key != "description"}),
            description=f"{_description(field)} Only when the body is the recording itself.",
        )
        for name, field in _fields()["properties"].items()
        if name not in STRUCTURES or name in {"voice", "conversation"}
    ]


def _answer() -> OpenAPIResponse:
    (schema,), _ = json_schema(VoiceEvent)
    events = WireSchema(wire={"description": "Each event is one line `data: {…}`.", **schema})
    audio = {form.content_type: OpenAPIMediaType(schema=WireSchema(wire=_BINARY)) for form in FORMATS.values()}
    return OpenAPIResponse(
        description="The spoken answer, streamed while it is being written.",
        headers={
            header.name: OpenAPIHeader(schema=Schema(type=OpenAPIType.STRING), description=header.description)
            for header in HEADERS
        },
        content={**audio, "text/event-stream": OpenAPIMediaType(schema=events)},
    )


@dataclass
class SpeechToSpeechOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        recording = OpenAPIMediaType(schema=WireSchema(wire=_BINARY))
        self.request_body = RequestBody(
            required=True,
            content={
                "multipart/form-data": OpenAPIMediaType(schema=_form()),
                "application/json": OpenAPIMediaType(schema=reference(SpeechToSpeechRequest)),
                "audio/*": recording,
                "application/octet-stream": recording,
            },
        )
        self.parameters = list(_query())
        self.responses = {"200": _answer()}
        super().__post_init__()
