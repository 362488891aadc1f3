"""The transcription and translation routes: read the request, listen, answer."""

import logging
from functools import partial
from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency

from adapters.contract.errors import InvalidRequest
from gateway.api.transcriptions.openapi import TranscriptionOperation, TranslationOperation
from gateway.api.transcriptions.response import TranscriptAnswer
from gateway.api.transcriptions.schema import FIELDS, FILES, STRUCTURES, CreateTranscription, CreateTranslation
from gateway.api.transcriptions.translate import listed, wanted
from gateway.audio.decoder_pool import DecoderPool
from gateway.engines.lifecycle import Gateway
from gateway.http.auth import caller_of
from gateway.http.form import read_fields
from gateway.http.media import recording_of
from gateway.http.offload import offloaded
from gateway.http.rate_limit import admit
from gateway.http.request_id import request_id
from gateway.http.streaming import StreamingResponse
from gateway.http.validation import fields_of
from gateway.telemetry.timings import Stopwatch
from gateway.turns.transcription_turn import TranscriptionRequest, TranscriptionTurns, recogniser_of

logger = logging.getLogger(__name__)


@post(
    "/v1/audio/transcriptions",
    status_code=200,
    opt={"limited": True, "fields": FIELDS},
    operation_class=TranscriptionOperation,
    operation_id="createTranscription",
    summary="Speech to text",
    tags=["Audio"],
)
async def transcriptions(
    request: Request[Any, Any, Any],
    gateway: NamedDependency[Gateway],
    transcription_turns: NamedDependency[TranscriptionTurns],
    decoder: NamedDependency[DecoderPool],
) -> StreamingResponse:
    """Write down what is said in the recording."""
    return await _transcript(request, gateway, transcription_turns, decoder, CreateTranscription)


@post(
    "/v1/audio/translations",
    status_code=200,
    opt={"limited": True, "fields": FIELDS},
    operation_class=TranslationOperation,
    operation_id="createTranslation",
    summary="Speech in any language to English text",
    tags=["Audio"],
)
async def translations(
    request: Request[Any, Any, Any],
    gateway: NamedDependency[Gateway],
    transcription_turns: NamedDependency[TranscriptionTurns],
    decoder: NamedDependency[DecoderPool],
) -> StreamingResponse:
    """Write down in English what is said in the recording."""
    return await _transcript(request, gateway, transcription_turns, decoder, CreateTranslation)


async def _transcript(
    request: Request[Any, Any, Any],
    gateway: Gateway,
    transcription_turns: TranscriptionTurns,
    decoder: DecoderPool,
    wire_type: type[CreateTranscription] | type[CreateTranslation],
) -> StreamingResponse:
    watch, caller = Stopwatch(), caller_of(request.scope)
    fields = await read_fields(request, file="file")
    fields = msgspec.structs.replace(fields, values=listed(fields.values))
    wire, unknown = await offloaded(fields.size, fields_of, fields, wire_type, STRUCTURES, FILES)
    served = admit(request.scope, gateway, wire.model, ("stt",), named_by="stt")
    asked = wanted(wire, recogniser_of(served).info)
    recording = await offloaded(fields.size, recording_of, fields, "file", wire.input_audio)
    if recording is None:
        raise InvalidRequest(
            "Missing required parameter: 'file'. Send a recording as 'file', as 'input_audio' in JSON or as the body.",
            param="audio",
            code="missing_required_parameter",
        )
    audio = partial(decoder.decode, recording)
    heard = TranscriptionRequest(caller=caller, audio=audio, options=asked.options)
    turn = transcription_turns.begin(heard, served, watch)
    logger.info("%s is answered by %s", request_id(request.scope), turn.id)
    answer = TranscriptAnswer(turn, watch, (*unknown, *asked.ignored))
    return answer.events() if asked.stream else answer.whole(asked)
