"""The speech-to-speech route: reads the request, takes the turn, streams the answer."""

import logging
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency

from adapters.contract import tts
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, UpstreamError
from gateway.audio.decode import decode
from gateway.audio.encode import FORMATS, Encoder
from gateway.engines import Gateway, ServedRoute
from gateway.http.body import MAX_BODY_BYTES, check_size, fields_of, read_fields
from gateway.http.request_id import request_id
from gateway.http.streaming import Streaming, StreamingResponse, server_sent_event
from gateway.pipeline import answer, turn
from gateway.pipeline.turn import Turn, take_turn
from gateway.speech_to_speech import translate
from gateway.speech_to_speech.describe import SpeechToSpeechOperation
from gateway.speech_to_speech.schema import STRUCTURES, ResponseFormat, SpeechToSpeechRequest
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
async def speech_to_speech(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> StreamingResponse:
    """Hear the recording, answer it, and stream the spoken answer while it is being written."""
    watch = Stopwatch()
    fields = await read_fields(request, file="file")
    wire, unknown = fields_of(fields, SpeechToSpeechRequest, STRUCTURES)
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
    reply = Reply(served, asked, watch, ignored)
    logger.info("%s is answered by %s", request_id(request.scope), reply.id)
    return reply.streamed(wire.response_format or "wav", events=wire.stream_format == "sse")


class Reply:
    """One turn on its way to the client: the bytes, and the headers that are known when the first of them is there."""

    def __init__(self, served: ServedRoute, asked: Turn, watch: Stopwatch, ignored: list[str]) -> None:
        self.id = f"resp_{uuid.uuid4().hex}"
        self._transcript: str | None = None
        self._ignored = ignored
        self._watch = watch
        self._model = served.route.name
        self._sample_rate = served.engines.tts.info.sample_rate
        self._turn = take_turn(served.engines, asked, watch)

    def streamed(self, response_format: ResponseFormat, *, events: bool) -> StreamingResponse:
        """The answer as bytes of ``response_format``, or as an event stream around them."""
        audio = FORMATS[response_format]
        disposition = {"content-disposition": f'attachment; filename="speech.{audio.extension}"'}
        return StreamingResponse(
            Streaming(
                chunks=self._events(response_format) if events else self._audio(response_format),
                headers=lambda: self._headers() | ({} if events else disposition),
                content_type="text/event-stream; charset=utf-8" if events else audio.content_type,
                events=events,
            )
        )

    def _headers(self) -> dict[str, str]:
        transcript = {} if self._transcript is None else translate.transcript_headers(self._transcript)
        return {
            "x-response-id": self.id,
            **transcript,
            **translate.ignored_headers(self._ignored),
            **translate.timing_headers(self._watch.timings()),
        }

    def _note(self, event: turn.Event) -> None:
        match event:
            case turn.TranscriptFinished():
                self._transcript = event.text
            case Started():
                self._ignored.extend(name for name in event.ignored if name not in self._ignored)

    async def _audio(self, response_format: ResponseFormat) -> AsyncGenerator[bytes, None]:
        spoken = False
        async with aclosing(self._played(response_format)) as events:
            async for event, data in events:
                spoken = spoken or isinstance(event, tts.AudioChunk)
                if data:
                    yield data
        if not spoken:
            raise UpstreamError("The language model's answer holds nothing that can be spoken.")

    async def _events(self, response_format: ResponseFormat) -> AsyncGenerator[bytes, None]:
        """What was heard is held until the model's first piece, so that a refusal before that has a real status."""
        held = b""
        async with aclosing(self._played(response_format)) as events:
            async for event, data in events:
                sent = server_sent_event(translate.audio_delta(data)) if data else b""
                if (shown := translate.event_of(event, self.id)) is not None:
                    sent += server_sent_event(shown)
                if isinstance(event, turn.TranscriptDelta | turn.TranscriptFinished):
                    held += sent
                elif sent:
                    yield held + sent
                    held = b""

    async def _played(self, response_format: ResponseFormat) -> AsyncGenerator[tuple[turn.Event, bytes], None]:
        """Each event of the turn, with the bytes of encoded audio that are ready by then."""
        spoken, outcome = False, "left"
        try:
            with closing(Encoder(response_format, sample_rate=self._sample_rate)) as encoder:
                async with aclosing(self._turn) as events:
                    async for event in events:
                        self._note(event)
                        match event:
                            case tts.AudioChunk():
                                spoken = True
                                yield event, encoder.feed(event.pcm)
                            case answer.AnswerFinished():
                                outcome = event.reason
                                yield event, encoder.finish() if spoken else b""
                            case _:
                                yield event, b""
        except AdapterError as error:
            outcome = type(error).__name__
            raise
        finally:
            logger.info("%s %s model=%s %s", self.id, outcome, self._model, self._watch.timings())
