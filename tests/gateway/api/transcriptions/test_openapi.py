"""What the description says of the two routes is what they take and answer."""

import pytest

from gateway.app import create_app
from gateway.engines.lifecycle import Gateway
from gateway.settings.load import load
from tests.support.http_client import FROM_ELSEWHERE, benched, form
from tests.support.server import gateway_of, scripted_engines
from tests.support.transcript_engine import TranscriptEngine

PATHS = ["/v1/audio/transcriptions", "/v1/audio/translations"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_header_of_an_answer_is_described_and_the_other_way_round(path: str) -> None:
    schema = create_app(Gateway(load([], {}).settings, [])).openapi_schema.to_schema()
    described = schema["paths"][path]["post"]["responses"]["200"]["headers"].keys()
    async with benched(gateway_of(scripted_engines(stt=TranscriptEngine()))) as bench:
        response = await bench.client.post(path, **form(fields={"unknown": "1"}))
    assert set(response.headers) - FROM_ELSEWHERE == described


def test_fields_and_formats() -> None:
    paths = create_app(Gateway(load([], {}).settings, [])).openapi_schema.to_schema()["paths"]
    transcription, translation = (paths[path]["post"] for path in PATHS)
    for operation in (transcription, translation):
        fields = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
        assert {"file", "model", "prompt", "temperature", "response_format"} <= fields.keys()
        assert "input_audio" not in fields
        assert "input_audio" not in {parameter["name"] for parameter in operation["parameters"]}
    assert "text/event-stream" in transcription["responses"]["200"]["content"]
    assert "text/event-stream" not in translation["responses"]["200"]["content"]
