"""The speech-to-speech route's part of the API description: three ways to ask, two ways to be answered."""

from dataclasses import dataclass

from gateway.http.openapi import ApiOperation
from gateway.http.recording_operation import BINARY, audio_answer, query_beside_recording, recording_body
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


@dataclass
class SpeechToSpeechOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.request_body = recording_body(SpeechToSpeechRequest, "SpeechToSpeechForm", FILES)
        without = set(STRUCTURES) - {"voice", "conversation"}
        self.parameters = query_beside_recording(SpeechToSpeechRequest, without)
        self.responses = {"200": audio_answer("The spoken answer, streamed while it is being written.", VoiceEvent)}
        super().__post_init__()
