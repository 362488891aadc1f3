"""A transcription on its way to a client: as one document, or as events while it is recognised."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from gateway.api.transcriptions.translate import Wanted, document, event_of
from gateway.http.headers import AnswerHead, headers_of
from gateway.http.streaming import EVENT_STREAM, Head, Part, Streaming, StreamingResponse, server_sent_event
from gateway.pipeline.listen import OptionsIgnored, TranscriptFinished
from gateway.telemetry.timings import Stopwatch
from gateway.turns.transcription_turn import TranscriptionTurn


class TranscriptAnswer:
    """The transcript of ``turn``; ``ignored`` names the request's parameters that are known to have no effect."""

    def __init__(self, turn: TranscriptionTurn, watch: Stopwatch, ignored: tuple[str, ...]) -> None:
        self._turn = turn
        self._watch = watch
        self._ignored = dict.fromkeys(ignored)

    def whole(self, wanted: Wanted) -> StreamingResponse:
        """All of it, in the format ``wanted``, when it is complete."""
        is_json = wanted.response_format in {"json", "verbose_json"}
        content_type = "application/json" if is_json else "text/plain; charset=utf-8"
        return StreamingResponse(Streaming(parts=self._whole(wanted), content_type=content_type))

    def events(self) -> StreamingResponse:
        """What is certain of it, as soon as it is."""
        return StreamingResponse(Streaming(parts=self._events(), content_type=EVENT_STREAM))

    async def _whole(self, wanted: Wanted) -> AsyncGenerator[Part, None]:
        async with aclosing(self._turn.events()) as events:
            async for event in events:
                if isinstance(event, OptionsIgnored):
                    self._ignored |= dict.fromkeys(event.names)
                if isinstance(event, TranscriptFinished):
                    body = document(event, wanted)
                    yield self._head(**{"content-length": str(len(body))})
                    yield body

    async def _events(self) -> AsyncGenerator[Part, None]:
        begun = False
        async with aclosing(self._turn.events()) as events:
            async for event in events:
                if isinstance(event, OptionsIgnored):
                    self._ignored |= dict.fromkeys(event.names)
                if (shown := event_of(event)) is None:
                    continue
                if not begun:
                    yield self._head()
                    begun = True
                yield server_sent_event(shown)

    def _head(self, **headers: str) -> Head:
        head = AnswerHead(ignored=tuple(self._ignored), timings=self._watch.timings())
        return Head(headers=headers_of(head) | headers)
