"""The speech-to-speech route: reads the request, takes the turn, streams the answer."""

import logging
from functools import partial
from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency

from gateway.api.speech_to_speech.openapi import SpeechToSpeechOperation
from gateway.api.speech_to_speech.response import SpokenAnswer
from gateway.api.speech_to_speech.schema import FIELDS, FILES, STRUCTURES, SpeechToSpeechRequest
from gateway.api.speech_to_speech.translate import turn_request
from gateway.audio.decoder_pool import DecoderPool
from gateway.engines.lifecycle import Gateway
from gateway.http.form import MAX_BODY_BYTES, read_fields
from gateway.http.media import images_of, recording_of
from gateway.http.offload import offloaded
from gateway.http.request_id import request_id
from gateway.http.streaming import StreamingResponse
from gateway.http.validation import fields_of
from gateway.telemetry.timings import Stopwatch
from gateway.turns.build import ignored_fields
from gateway.turns.conversation_turn import Turns
from gateway.wire.messages import spoken_answers

logger = logging.getLogger(__name__)


@post(
    "/v1/audio/speech-to-speech",
    status_code=200,
    request_max_body_size=MAX_BODY_BYTES,
    opt={"limited": True, "fields": FIELDS},
    operation_class=SpeechToSpeechOperation,
    operation_id="createSpeechToSpeech",
    summary="One voice turn",
    tags=["Audio"],
)
async def speech_to_speech(
    request: Request[Any, Any, Any],
    gateway: NamedDependency[Gateway],
    turns: NamedDependency[Turns],
    decoder: NamedDependency[DecoderPool],
) -> StreamingResponse:
    """Hear the recording, answer it, and stream the spoken answer while it is being written."""
    watch = Stopwatch()
    fields = await read_fields(request, file="file")
    wire, unknown = await offloaded(fields.size, fields_of, fields, SpeechToSpeechRequest, STRUCTURES, FILES)
    served = gateway.admit(wire.model)
    recording = await offloaded(fields.size, recording_of, fields, "file", wire.input_audio)
    images = await offloaded(fields.size, images_of, wire.image, fields.uploads.get("image", []))
    audio = None if recording is None else partial(decoder.decode, recording)
    spoken = await turns.spoken_words(spoken_answers(wire.messages or ()))
    asked = await offloaded(fields.size, turn_request, wire, audio, images, spoken)
    turn = turns.begin(asked, served, watch)
    logger.info("%s is answered by %s", request_id(request.scope), turn.id)
    answer = SpokenAnswer(turn, watch, (*unknown, *ignored_fields(asked, served)))
    return answer.response(wire.response_format or "wav", events=wire.stream_format == "sse")
