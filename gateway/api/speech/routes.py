"""The speech route: reads the request, speaks its text, or takes a whole voice turn where it brings a recording."""

import logging
from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency

from gateway.api.speech.openapi import SpeechOperation
from gateway.api.speech.response import DEFAULT_FORMAT, SpeechAnswer
from gateway.api.speech.schema import FIELDS, SpeechRequest
from gateway.api.speech.translate import speech_turn_request
from gateway.engines.lifecycle import Gateway
from gateway.http.auth import caller_of
from gateway.http.form import Fields, read_json
from gateway.http.offload import offloaded
from gateway.http.rate_limit import admit
from gateway.http.request_id import request_id
from gateway.http.streaming import StreamingResponse
from gateway.http.validation import fields_of
from gateway.http.voice_turns import VoiceTurns
from gateway.telemetry.timings import Stopwatch
from gateway.turns.speech_turn import SpeechTurns

logger = logging.getLogger(__name__)


@post(
    "/v1/audio/speech",
    status_code=200,
    opt={"limited": True, "fields": FIELDS},
    operation_class=SpeechOperation,
    operation_id="createSpeech",
    summary="Text to speech",
    tags=["Audio"],
)
async def speech(
    request: Request[Any, Any, Any],
    gateway: NamedDependency[Gateway],
    speech_turns: NamedDependency[SpeechTurns],
    voice_turns: NamedDependency[VoiceTurns],
) -> StreamingResponse:
    """Speak the text and stream the speech while it is being made."""
    watch, caller = Stopwatch(), caller_of(request.scope)
    fields = await read_json(request)
    if fields.values.get("input_audio") is not None:
        return await voice_turns.answer(request, _without_empty_input(fields), watch, DEFAULT_FORMAT)
    wire, unknown = await offloaded(fields.size, fields_of, fields, SpeechRequest, ())
    served = admit(request.scope, gateway, wire.model, ("tts",), named_by="tts")
    asked = speech_turn_request(wire, caller, served.route.settings.max_speech_characters)
    turn = speech_turns.begin(asked, served, watch)
    logger.info("%s is answered by %s", request_id(request.scope), turn.id)
    unstyled = asked.instructions is not None and not served.engines.tts.info.instructions
    return SpeechAnswer(wire, turn, watch, (*unknown, *(("instructions",) if unstyled else ()))).response()


def _without_empty_input(fields: Fields) -> Fields:
    """``fields`` of a voice turn: the SDKs cannot leave ``input`` out, and "" is no text that would be ignored."""
    values = {name: value for name, value in fields.values.items() if name != "input" or value != ""}
    return msgspec.structs.replace(fields, values=values)
