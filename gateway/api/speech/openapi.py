"""The speech route's part of the API description: a text or a recording to be answered, in JSON."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, RequestBody

from gateway.api.speech.schema import SpeechEvent, SpeechRequest
from gateway.http.openapi import ApiOperation, WireSchema, reference
from gateway.http.recording_operation import audio_answer
from gateway.wire.voice_events import VoiceEvent
from gateway.wire.voice_turn import SpeechToSpeechRequest


@dataclass
class SpeechOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        bodies = [reference(wire_type).to_schema() for wire_type in (SpeechRequest, SpeechToSpeechRequest)]
        content = {"application/json": OpenAPIMediaType(schema=WireSchema(wire={"anyOf": bodies}))}
        self.request_body = RequestBody(required=True, content=content)
        self.responses = {"200": audio_answer("The speech, streamed while it is made.", SpeechEvent, VoiceEvent)}
        super().__post_init__()
