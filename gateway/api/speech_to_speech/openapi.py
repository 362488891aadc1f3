"""The speech-to-speech route's part of the API description: three ways to ask, two ways to be answered."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse

from gateway.audio.encode import FORMATS
from gateway.http.openapi import ApiOperation, WireSchema, json_schema
from gateway.http.recording_operation import BINARY, answer_headers, query_parameters, recording_body
from gateway.wire.voice_events import VoiceEvent
from gateway.wire.voice_turn import STRUCTURES, SpeechToSpeechRequest

FILES = {
    "file": {**BINARY, "description": "The recording, in any common format; left out only after a tool result."},
    "image": {
        "type": "array",
        "items": {"anyOf": [BINARY, {"type": "string"}]},
        "description": "Images to look at: files or URLs; may be repeated.",
    },
}


def _answer() -> OpenAPIResponse:
    (schema,), _ = json_schema(VoiceEvent)
    events = WireSchema(wire={"description": "Each event is one line `data: {…}`.", **schema})
    audio = {form.content_type: OpenAPIMediaType(schema=WireSchema(wire=BINARY)) for form in FORMATS.values()}
    return OpenAPIResponse(
        description="The spoken answer, streamed while it is being written.",
        headers=answer_headers(),
        content={**audio, "text/event-stream": OpenAPIMediaType(schema=events)},
    )


@dataclass
class SpeechToSpeechOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.request_body = recording_body(SpeechToSpeechRequest, "SpeechToSpeechForm", FILES)
        without = set(STRUCTURES) - {"voice", "conversation"}
        self.parameters = list(query_parameters(SpeechToSpeechRequest, without))
        self.responses = {"200": _answer()}
        super().__post_init__()
