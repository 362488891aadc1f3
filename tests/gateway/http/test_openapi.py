"""The description of the API is valid, complete, and the one in the repository is the one that is served."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from openapi_spec_validator import validate

from gateway.app import create_app
from gateway.audio.encode import FORMATS
from gateway.cli.generate import API
from gateway.engines.lifecycle import Gateway
from gateway.http.openapi import document, json_schema
from gateway.settings.load import load
from gateway.wire.voice_events import VoiceEvent
from gateway.wire.voice_turn import SpeechToSpeechRequest
from tests.support.server import gateway_of, scripted_engines, served


@cache
def fresh() -> dict[str, Any]:
    description: dict[str, Any] = json.loads(document(create_app(Gateway(load([], {}).settings, []))))
    return description


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in fresh()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def turn() -> dict[str, Any]:
    return dict(operations())["POST /v1/audio/speech-to-speech"]


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def test_the_file_in_the_repository_is_indented_json() -> None:
    assert json.loads(API.read_bytes()) == fresh()
    assert API.read_bytes().startswith(b"{\n  ")
    assert API.read_bytes().endswith(b"}\n")


def test_bounds_are_written_alike_whichever_module_was_imported_first() -> None:
    class Bounded(msgspec.Struct):
        part: Annotated[float, msgspec.Meta(ge=-7.0, le=7.5)]

    [schema] = json_schema(Bounded)[1].values()
    assert json.dumps(schema["properties"]["part"]) == '{"type": "number", "minimum": -7, "maximum": 7.5}'


async def test_the_gateway_serves_the_same() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        response = await client.get("/docs/openapi.json")
        page = await client.get("/docs/")
    assert response.json() == fresh()
    assert page.status_code == 200


def test_the_description_is_valid() -> None:
    validate(fresh())


def test_everything_it_refers_to_is_in_it() -> None:
    names = {reference.removeprefix("#/components/schemas/") for reference in references(fresh())}
    assert "ErrorAnswer" in names
    assert names <= fresh()["components"]["schemas"].keys()


def test_every_operation_is_there() -> None:
    assert dict(operations()).keys() == {
        "GET /health",
        "GET /metrics",
        "GET /ready",
        "POST /v1/audio/speech",
        "POST /v1/audio/speech-to-speech",
        "POST /v1/audio/transcriptions",
        "POST /v1/audio/translations",
        "GET /v1/audio/voices",
        "POST /v1/chat/completions",
        "POST /v1/conversations",
        "DELETE /v1/conversations/{conversation_id}",
        "GET /v1/conversations/{conversation_id}",
        "POST /v1/conversations/{conversation_id}",
        "GET /v1/conversations/{conversation_id}/items",
        "POST /v1/conversations/{conversation_id}/items",
        "DELETE /v1/conversations/{conversation_id}/items/{item_id}",
        "GET /v1/conversations/{conversation_id}/items/{item_id}",
        "GET /v1/models",
        "GET /v1/models/{model}",
        "POST /v1/realtime/calls",
        "DELETE /v1/realtime/calls/{call_id}",
        "POST /v1/realtime/calls/{call_id}/hangup",
        "POST /v1/realtime/client_secrets",
        "POST /v1/realtime/sessions",
        "POST /v1/realtime/transcription_sessions",
        "POST /v1/responses",
        "DELETE /v1/responses/{response_id}",
        "GET /v1/responses/{response_id}",
        "POST /v1/responses/{response_id}/cancel",
        "GET /v1/responses/{response_id}/input_items",
        "GET /v1/usage",
    }


@pytest.mark.parametrize("name", dict(operations()))
def test_every_failure_answers_with_openais_error(name: str) -> None:
    """The one other answer is that of a gateway that is not ready, which says what it is waiting for."""
    for status, response in dict(operations())[name]["responses"].items():
        if status.startswith("2"):
            continue
        expected = "Readiness" if (name, status) == ("GET /ready", "503") else "ErrorAnswer"
        assert response["content"]["application/json"]["schema"] == {"$ref": f"#/components/schemas/{expected}"}
    assert "default" in dict(operations())[name]["responses"]


def test_all_fields_of_an_error_are_required() -> None:
    assert set(fresh()["components"]["schemas"]["ErrorBody"]["required"]) == {"message", "type", "param", "code"}


def test_the_form_has_the_fields_of_the_request_and_files() -> None:
    content = turn()["requestBody"]["content"]
    assert content.keys() == {"multipart/form-data", "application/json", "audio/*", "application/octet-stream"}
    form = content["multipart/form-data"]["schema"]["properties"]
    fields = {field.encode_name for field in msgspec.structs.fields(SpeechToSpeechRequest)}
    assert form.keys() == fields - {"input_audio"} | {"file"}
    assert form["file"]["format"] == "binary"
    assert form["image"]["items"]["anyOf"] == [{"type": "string", "format": "binary"}, {"type": "string"}]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/SpeechToSpeechRequest"}
    assert fresh()["components"]["schemas"]["SpeechToSpeechRequest"]["properties"].keys() == fields


def test_what_fits_into_a_query_is_described_as_such() -> None:
    parameters = {parameter["name"]: parameter for parameter in turn()["parameters"]}
    assert {"model", "voice", "speed", "instructions", "response_format"} <= parameters.keys()
    assert not {"messages", "tools", "input_audio", "file"} & parameters.keys()
    assert parameters["speed"]["description"].startswith("Speed of speech, 1.0 is normal.")
    assert all(parameter["in"] == "query" for parameter in parameters.values())


def test_the_answer_is_any_format_or_the_events() -> None:
    content = turn()["responses"]["200"]["content"]
    assert content.keys() == {form.content_type for form in FORMATS.values()} | {"text/event-stream"}
    kinds = {kind.__struct_config__.tag for kind in VoiceEvent.__args__}
    assert content["text/event-stream"]["schema"]["discriminator"]["mapping"].keys() == kinds
