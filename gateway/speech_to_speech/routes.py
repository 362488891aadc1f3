"""The speech-to-speech route: reads the request, takes the turn, streams the answer."""

import logging
from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency

from adapters.contract.errors import InvalidRequest
from gateway.audio.decode import decode
from gateway.conversation.continuation import Conversations
from gateway.conversation.remembering import Remembering
from gateway.engines import Gateway
from gateway.http.body import MAX_BODY_BYTES, Fields, check_size, fields_of, read_fields
from gateway.http.request_id import request_id
from gateway.http.streaming import StreamingResponse
from gateway.speech_to_speech import translate
from gateway.speech_to_speech.call import call_of
from gateway.speech_to_speech.describe import SpeechToSpeechOperation
from gateway.speech_to_speech.reply import Reply
from gateway.speech_to_speech.schema import FILES, STRUCTURES, SpeechToSpeechRequest
from gateway.telemetry import Stopwatch

logger = logging.getLogger(__name__)


@post(
    "/v1/audio/speech-to-speech",
    status_code=200,
    request_max_body_size=MAX_BODY_BYTES,
    opt={"limited": True},
    operation_class=SpeechToSpeechOperation,
    operation_id="createSpeechToSpeech",
    summary="One voice turn",
    tags=["Audio"],
)
async def speech_to_speech(
    request: Request[Any, Any, Any], gateway: NamedDependency[Gateway], conversations: NamedDependency[Conversations]
) -> StreamingResponse:
    """Hear the recording, answer it, and stream the spoken answer while it is being written."""
    watch = Stopwatch()
    fields = await read_fields(request, file="file")
    wire, unknown = fields_of(fields, SpeechToSpeechRequest, STRUCTURES, FILES)
    _refuse_file_as_text(fields)
    served = gateway.admit(wire.model)
    asked = translate.turn_of(wire, fields.uploads.get("image", []), served)
    recording = translate.recording_of(wire, fields.uploads.get("file", []))
    if recording is not None:
        check_size(len(recording))
        audio = decode(
            recording,
            sample_rate=served.engines.hearing_rate,
            max_seconds=gateway.settings.max_audio_seconds,
        )
        asked = msgspec.structs.replace(asked, audio=audio)
    ignored = list(unknown)
    if wire.speech_instructions and not served.engines.tts.info.instructions:
        ignored.append("speech_instructions")
    remembering = Remembering(conversations, call_of(wire, asked, served), watch)
    reply = Reply(served, remembering, watch, ignored)
    logger.info("%s is answered by %s", request_id(request.scope), reply.id)
    return reply.streamed(wire.response_format or "wav", events=wire.stream_format == "sse")


def _refuse_file_as_text(fields: Fields) -> None:
    if fields.values.get("file") is not None and "file" not in fields.uploads:
        raise InvalidRequest(
            "'file' came as text; send it as a file: with curl -F file=@question.wav",
            param="file",
            code="invalid_value",
        )
