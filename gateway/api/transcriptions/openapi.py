"""The part of these two routes in the API description: three ways to send a recording, a format for every use."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse

from gateway.api.transcriptions.schema import (
    STRUCTURES,
    CreateTranscription,
    CreateTranslation,
    StreamEvent,
    Transcript,
    VerboseTranscript,
)
from gateway.http.openapi import ApiOperation, WireSchema, answer_headers, json_schema
from gateway.http.recording_operation import BINARY, query_beside_recording, recording_body

FILES = {"file": {**BINARY, "description": "The recording, in any common format."}}
NOT_SENT = {"x-response-id", "x-conversation-id", "x-transcript", "x-transcript-truncated"}
"""Headers that these answers lack: nothing is kept, and the transcript is the answer."""


def _answer(*, streams: bool) -> OpenAPIResponse:
    schemas, _ = json_schema(Transcript, VerboseTranscript, StreamEvent)
    *documents, events = schemas
    content = {
        "application/json": OpenAPIMediaType(schema=WireSchema(wire={"anyOf": documents})),
        "text/plain": OpenAPIMediaType(schema=WireSchema(wire={"type": "string"})),
    }
    if streams:
        described = {"description": "Each event is one line `data: {…}`.", **events}
        content["text/event-stream"] = OpenAPIMediaType(schema=WireSchema(wire=described))
    return OpenAPIResponse(description="The transcript.", headers=answer_headers(NOT_SENT), content=content)


@dataclass
class TranscriptionOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.request_body = recording_body(CreateTranscription, "TranscriptionForm", FILES)
        without = {"input_audio", "chunking_strategy"}
        self.parameters = query_beside_recording(CreateTranscription, without)
        self.responses = {"200": _answer(streams=True)}
        super().__post_init__()


@dataclass
class TranslationOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.request_body = recording_body(CreateTranslation, "TranslationForm", FILES)
        self.parameters = query_beside_recording(CreateTranslation, STRUCTURES)
        self.responses = {"200": _answer(streams=False)}
        super().__post_init__()
