"""The speech-to-speech route: reads the request, takes the turn, streams the answer."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency

from gateway.api.speech_to_speech.openapi import SpeechToSpeechOperation
from gateway.http.form import read_fields
from gateway.http.streaming import StreamingResponse
from gateway.http.voice_turns import VoiceTurns
from gateway.telemetry.timings import Stopwatch
from gateway.wire.voice_turn import FIELDS


@post(
    "/v1/audio/speech-to-speech",
    status_code=200,
    opt={"limited": True, "fields": FIELDS},
    operation_class=SpeechToSpeechOperation,
    operation_id="createSpeechToSpeech",
    summary="One voice turn",
    tags=["Audio"],
)
async def speech_to_speech(
    request: Request[Any, Any, Any], voice_turns: NamedDependency[VoiceTurns]
) -> StreamingResponse:
    """Hear the recording, answer it, and stream the spoken answer while it is being written."""
    watch = Stopwatch()
    fields = await read_fields(request, file="file")
    return await voice_turns.answer(request, fields, watch, "wav")
