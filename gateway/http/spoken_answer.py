"""The answer of a voice turn on its way to a client: the bytes of its audio, or an event stream around them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from adapters.contract import llm
from adapters.contract.engine import Started
from gateway.audio.encode import FORMATS
from gateway.http.headers import AnswerHead, headers_of
from gateway.http.streaming import EVENT_STREAM, Head, Held, Part, Streaming, StreamingResponse, server_sent_event
from gateway.pipeline.encoded import encoded
from gateway.pipeline.listen import TranscriptDelta, TranscriptFinished
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import ConversationTurn
from gateway.turns.result import ConversationJoined, TurnEvent
from gateway.wire.audio import ResponseFormat
from gateway.wire.voice_events import audio_delta, event_of
from gateway.wire.voice_turn import SPEECH_FIELDS


class SpokenAnswer:
    """The answer of ``turn``; ``ignored`` names the request's parameters that are known to have no effect."""

    def __init__(self, turn: ConversationTurn, watch: Stopwatch, ignored: tuple[str, ...]) -> None:
        self._turn = turn
        self._watch = watch
        self._ignored = ignored

    def response(self, response_format: ResponseFormat, *, events: bool) -> StreamingResponse:
        """The answer as bytes of ``response_format``, or as an event stream around them."""
        turn = encoded(self._turn.events(), response_format, self._turn.sample_rate, audio_only=not events)
        content_type = EVENT_STREAM if events else FORMATS[response_format].content_type
        parts = self._events(turn) if events else self._audio(turn, FORMATS[response_format].extension)
        return StreamingResponse(Streaming(parts=parts, content_type=content_type))

    async def _audio(
        self, turn: AsyncGenerator[tuple[TurnEvent, bytes], None], extension: str
    ) -> AsyncGenerator[Part, None]:
        known = _Known(self._ignored)
        begun = False
        async with aclosing(turn) as events:
            async for event, data in events:
                known.note(event)
                if data and not begun:
                    disposition = {"content-disposition": f'attachment; filename="speech.{extension}"'}
                    yield Head(headers=self._headers(known) | disposition)
                    begun = True
                if data:
                    yield data

    async def _events(self, turn: AsyncGenerator[tuple[TurnEvent, bytes], None]) -> AsyncGenerator[Part, None]:
        """What was heard is held until the model's first piece, so that a refusal before that has a real status.

        A model that thinks, or writes a call, has begun: the client hears of it though nothing of that is shown.
        """
        known = _Known(self._ignored)
        begun = False
        async with aclosing(turn) as events:
            async for event, data in events:
                known.note(event)
                sent = server_sent_event(audio_delta(data)) if data else b""
                if (shown := event_of(event)) is not None:
                    sent += server_sent_event(shown)
                if isinstance(event, TranscriptDelta | TranscriptFinished):
                    yield Held(data=sent)
                    continue
                if not begun and (sent or isinstance(event, llm.ReasoningDelta | llm.ToolCallStarted)):
                    yield Head(headers=self._headers(known))
                    begun = True
                if sent:
                    yield sent

    def _headers(self, known: "_Known") -> dict[str, str]:
        return headers_of(
            AnswerHead(
                response_id=self._turn.id,
                conversation_id=known.conversation_id,
                transcript=known.transcript,
                ignored=tuple(known.ignored),
                timings=self._watch.timings(),
            )
        )


class _Known:
    """What the headers need, gathered from the events that come before the first output."""

    def __init__(self, ignored: tuple[str, ...]) -> None:
        self.conversation_id: str | None = None
        self.transcript: str | None = None
        self.ignored = dict.fromkeys(ignored)

    def note(self, event: TurnEvent) -> None:
        match event:
            case ConversationJoined():
                self.conversation_id = event.conversation_id
            case TranscriptFinished():
                self.transcript = event.text
            case Started():
                self.ignored |= dict.fromkeys(SPEECH_FIELDS.get(name, name) for name in event.ignored)
            case _:
                pass
