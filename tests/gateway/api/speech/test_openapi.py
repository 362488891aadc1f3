"""The description of the speech route: what it takes and what it gives."""

import json
from typing import Any

from gateway.app import create_app
from gateway.audio.encode import FORMATS
from gateway.engines.lifecycle import Gateway
from gateway.http.openapi import document
from gateway.settings.load import load


def described() -> dict[str, Any]:
    whole = json.loads(document(create_app(Gateway(load([], {}).settings, []))))
    return dict(whole["paths"]["/v1/audio/speech"]["post"])


def test_the_body_is_a_text_or_a_recording() -> None:
    schema = described()["requestBody"]["content"]["application/json"]["schema"]
    assert [each["$ref"].rpartition("/")[2] for each in schema["anyOf"]] == ["SpeechRequest", "SpeechToSpeechRequest"]


def test_the_answer_is_audio_in_every_format_or_events() -> None:
    content = described()["responses"]["200"]["content"]
    assert content.keys() == {*(form.content_type for form in FORMATS.values()), "text/event-stream"}
    assert "#/components/schemas/SpeechDone" in json.dumps(content["text/event-stream"])
