"""Speech on its way to a client: as the bytes of its audio, or as an event stream around them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from adapters.contract.engine import Started
from gateway.api.speech.schema import SpeechDone, SpeechRequest
from gateway.api.speech.translate import usage_of_speech
from gateway.audio.encode import FORMATS
from gateway.http.headers import AnswerHead, headers_of
from gateway.http.streaming import EVENT_STREAM, Head, Part, Streaming, StreamingResponse, server_sent_event
from gateway.pipeline.encoded import encoded
from gateway.telemetry.timings import Stopwatch
from gateway.turns.result import TurnFinished
from gateway.turns.speech_turn import SpeechTurn
from gateway.wire.audio import ResponseFormat
from gateway.wire.voice_events import audio_delta

DEFAULT_FORMAT: ResponseFormat = "mp3"


class SpeechAnswer:
    """The speech ``turn`` that ``request`` asks for; ``ignored`` names parameters that are known to have no effect."""

    def __init__(self, request: SpeechRequest, turn: SpeechTurn, watch: Stopwatch, ignored: tuple[str, ...]) -> None:
        self._request = request
        self._format = request.response_format or DEFAULT_FORMAT
        self._events = request.stream_format == "sse"
        self._turn = turn
        self._watch = watch
        self._ignored = dict.fromkeys(ignored)

    def response(self) -> StreamingResponse:
        """The speech in the form asked for; a failure before its first byte has a status of its own."""
        form = FORMATS[self._format]
        content_type = EVENT_STREAM if self._events else form.content_type
        return StreamingResponse(Streaming(parts=self._parts(), content_type=content_type))

    async def _parts(self) -> AsyncGenerator[Part, None]:
        speech = encoded(self._turn.events(), self._format, self._turn.sample_rate, audio_only=True)
        begun = False
        async with aclosing(speech) as events:
            async for event, data in events:
                if isinstance(event, Started):
                    self._ignored |= dict.fromkeys(event.ignored)
                if data and not begun:
                    yield Head(headers=self._headers())
                    begun = True
                if data:
                    yield server_sent_event(audio_delta(data)) if self._events else data
                if self._events and isinstance(event, TurnFinished):
                    usage = usage_of_speech(self._request, event.outcome.spoken_seconds)
                    yield server_sent_event(SpeechDone(usage=usage))

    def _headers(self) -> dict[str, str]:
        head = AnswerHead(response_id=self._turn.id, ignored=tuple(self._ignored), timings=self._watch.timings())
        disposition = f'attachment; filename="speech.{FORMATS[self._format].extension}"'
        return headers_of(head) | ({} if self._events else {"content-disposition": disposition})
