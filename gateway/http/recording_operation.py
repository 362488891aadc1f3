"""The description of routes whose request or answer is sound: recordings in three ways, audio in every format."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Parameter, Reference, RequestBody

from gateway.audio.encode import FORMATS
from gateway.http.openapi import WireSchema, answer_headers, component_schema, json_schema, query_parameters, reference

BINARY = {"type": "string", "format": "binary"}


def recording_body(wire_type: type[msgspec.Struct], title: str, files: Mapping[str, Any]) -> RequestBody:
    """The three ways to send ``wire_type``: ``title`` names its form, ``files`` has the schemas of its files."""
    recording = OpenAPIMediaType(schema=WireSchema(wire=BINARY))
    return RequestBody(
        required=True,
        content={
            "multipart/form-data": OpenAPIMediaType(schema=_form(wire_type, title, files)),
            "application/json": OpenAPIMediaType(schema=reference(wire_type)),
            "audio/*": recording,
            "application/octet-stream": recording,
        },
    )


def query_beside_recording(wire_type: type[msgspec.Struct], without: Collection[str]) -> list[Parameter | Reference]:
    """The fields that fit into a query string, for a body that is the recording itself: all but those ``without``."""
    return query_parameters(wire_type, without, " Only when the body is the recording itself.")


def audio_answer(description: str, *events: Any) -> OpenAPIResponse:
    """The answer as audio of every format, or as one of the event streams ``events``."""
    schemas, _ = json_schema(*events)
    streams = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    event = WireSchema(wire={"description": "Each event is one line `data: {…}`.", **streams})
    audio = {form.content_type: OpenAPIMediaType(schema=WireSchema(wire=BINARY)) for form in FORMATS.values()}
    return OpenAPIResponse(
        description=description,
        headers=answer_headers(),
        content={**audio, "text/event-stream": OpenAPIMediaType(schema=event)},
    )


def _form(wire_type: type[msgspec.Struct], title: str, files: Mapping[str, Any]) -> WireSchema:
    """The fields of the form: those of the JSON body, with files in place of base64."""
    schema = component_schema(wire_type)
    fields = {name: field for name, field in schema["properties"].items() if name not in {"input_audio", *files}}
    return WireSchema(wire={**schema, "title": title, "properties": {**files, **fields}})
