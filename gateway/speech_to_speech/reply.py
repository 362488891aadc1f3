"""One turn on its way to a client: the bytes, and the headers that are known when the first of them is there."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError
from gateway.audio.encode import FORMATS
from gateway.conversation.remembering import Remembering
from gateway.engines import ServedRoute
from gateway.http.errors import summary
from gateway.http.streaming import PING, Streaming, StreamingResponse, server_sent_event
from gateway.pipeline import answer, turn
from gateway.pipeline.playback import played
from gateway.speech_to_speech import translate
from gateway.speech_to_speech.schema import ResponseFormat
from gateway.telemetry import Stopwatch

logger = logging.getLogger(__name__)


class Reply:
    """The answer that ``remembering`` gives; ``ignored`` are the parameters that are known to have no effect."""

    def __init__(self, served: ServedRoute, remembering: Remembering, watch: Stopwatch, ignored: list[str]) -> None:
        self.id = remembering.id
        self._transcript: str | None = None
        self._ignored = ignored
        self._watch = watch
        self._model = served.route.name
        self._sample_rate = served.engines.tts.info.sample_rate
        self._remembering = remembering

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
        conversation_id = self._remembering.conversation_id
        return {
            "x-response-id": self.id,
            **({} if conversation_id is None else {"x-conversation-id": conversation_id}),
            **transcript,
            **translate.ignored_headers(self._ignored),
            **translate.timing_headers(self._watch.timings()),
        }

    async def _audio(self, response_format: ResponseFormat) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._noted(response_format)) as events:
            async for _, data in events:
                if data:
                    yield data

    async def _events(self, response_format: ResponseFormat) -> AsyncGenerator[bytes, None]:
        """What was heard is held until the model's first piece, so that a refusal before that has a real status.

        A model that thinks, or writes a call, has begun: the client hears of it though nothing of that is shown.
        """
        held, begun = b"", False
        async with aclosing(self._noted(response_format)) as events:
            async for event, data in events:
                sent = server_sent_event(translate.audio_delta(data)) if data else b""
                if (shown := translate.event_of(event, self._ending())) is not None:
                    sent += server_sent_event(shown)
                match event:
                    case turn.TranscriptDelta() | turn.TranscriptFinished():
                        held += sent
                        continue
                    case llm.ReasoningDelta() | llm.ToolCallStarted() if not begun:
                        sent = held or PING
                    case _:
                        sent = held + sent if sent else b""
                if sent:
                    yield sent
                    held, begun = b"", True

    def _ending(self) -> translate.Ending:
        """What is known of the conversation by now; of a turn that could not be kept, that it is not."""
        joined = self._remembering.joined
        return translate.Ending(
            response_id=self.id,
            conversation_id=self._remembering.conversation_id if self._remembering.kept else None,
            compaction=None if joined is None else joined.spent,
        )

    async def _noted(self, response_format: ResponseFormat) -> AsyncGenerator[tuple[turn.Event, bytes], None]:
        """The turn as it is played; what the headers need is kept, and how it ended goes to the log."""
        outcome = "left"
        try:
            async with aclosing(played(self._remembering.events(), response_format, self._sample_rate)) as events:
                async for event, data in events:
                    match event:
                        case turn.TranscriptFinished():
                            self._transcript = event.text
                        case Started():
                            names = [translate.IGNORED_NAMES.get(name, name) for name in event.ignored]
                            self._ignored.extend(name for name in names if name not in self._ignored)
                        case answer.AnswerFinished():
                            outcome = event.reason
                    yield event, data
        except AdapterError as error:
            outcome = summary(error)
            raise
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            logger.info("%s %s model=%s %s", self.id, outcome, self._model, self._watch.timings())
