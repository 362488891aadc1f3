"""Takes the voice turn that a request asks for, on every route where a recording can be sent to be answered."""

import logging
from functools import partial
from typing import Any

from litestar import Request

from gateway.audio.decoder_pool import DecoderPool
from gateway.engines.lifecycle import Gateway
from gateway.http.auth import caller_of
from gateway.http.form import Fields
from gateway.http.media import images_of, recording_of
from gateway.http.offload import offloaded
from gateway.http.rate_limit import admit
from gateway.http.request_id import request_id
from gateway.http.spoken_answer import SpokenAnswer
from gateway.http.streaming import StreamingResponse
from gateway.http.validation import fields_of
from gateway.telemetry.timings import Stopwatch
from gateway.turns.build import ignored_fields
from gateway.turns.conversation_turn import Turns
from gateway.wire.audio import ResponseFormat
from gateway.wire.messages import spoken_answers
from gateway.wire.voice_turn import FILES, STRUCTURES, SpeechToSpeechRequest, turn_request

logger = logging.getLogger(__name__)


class VoiceTurns:
    """Voice turns at the routes of ``gateway``."""

    def __init__(self, gateway: Gateway, turns: Turns, decoder: DecoderPool) -> None:
        self._gateway = gateway
        self._turns = turns
        self._decoder = decoder

    async def answer(
        self, request: Request[Any, Any, Any], fields: Fields, watch: Stopwatch, default_format: ResponseFormat
    ) -> StreamingResponse:
        """The spoken answer to the recording in ``fields``, in ``default_format`` where they name no format.

        Raises ``AdapterError``, and ``HTTPException`` for a recording that is too large.
        """
        wire, unknown = await offloaded(fields.size, fields_of, fields, SpeechToSpeechRequest, STRUCTURES, FILES)
        caller = caller_of(request.scope)
        served = admit(request.scope, self._gateway, wire.model)
        recording = await offloaded(fields.size, recording_of, fields, "file", wire.input_audio)
        images = await offloaded(fields.size, images_of, wire.image, fields.uploads.get("image", []))
        audio = None if recording is None else partial(self._decoder.decode, recording)
        spoken = await self._turns.spoken_words(caller, spoken_answers(wire.messages or ()))
        asked = await offloaded(fields.size, turn_request, wire, caller, audio, images, spoken)
        turn = self._turns.begin(asked, served, watch)
        logger.info("%s is answered by %s", request_id(request.scope), turn.id)
        answer = SpokenAnswer(turn, watch, (*unknown, *ignored_fields(asked, served)))
        return answer.response(wire.response_format or default_format, events=wire.stream_format == "sse")
