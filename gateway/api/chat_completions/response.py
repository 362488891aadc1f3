"""An answer on its way to a client: one JSON document, or an event stream of chunks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from adapters.contract.engine import Started
from adapters.contract.passthrough import Forwarded
from gateway.api.chat_completions.chunks import ChunkWriter
from gateway.api.chat_completions.schema import ChatCompletionRequest
from gateway.api.chat_completions.translate import CompletionId, Pieces, completion_of, is_spoken
from gateway.audio.whole_file import LENGTH_IN_HEADER, whole_file
from gateway.http.headers import AnswerHead, headers_of
from gateway.http.offload import offloaded
from gateway.http.streaming import (
    EVENT_STREAM,
    ClientRelay,
    Head,
    Part,
    Streaming,
    StreamingResponse,
    server_sent_event,
)
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.encoded import encoded
from gateway.pipeline.listen import TranscriptFinished
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import ConversationTurn
from gateway.turns.passed_turn import PassedTurn
from gateway.turns.result import TurnEvent
from gateway.wire import base64_text

DONE = b"data: [DONE]\n\n"
JSON = "application/json"


class CompletedAnswer:
    """The answer ``names`` of ``turn`` to ``request``; ``ignored`` are parameters known to have no effect."""

    def __init__(
        self,
        turn: ConversationTurn,
        request: ChatCompletionRequest,
        names: CompletionId,
        watch: Stopwatch,
        ignored: tuple[str, ...],
    ) -> None:
        self._turn = turn
        self._request = request
        self._names = names
        self._watch = watch
        self._ignored = dict.fromkeys(ignored)
        self._transcript: str | None = None
        spoken = request.audio if is_spoken(request) else None
        self._format = spoken.format if spoken else None

    def response(self) -> StreamingResponse:
        """The answer in chunks, or whole."""
        if self._request.stream:
            return StreamingResponse(Streaming(parts=self._chunks(), content_type=EVENT_STREAM))
        return StreamingResponse(Streaming(parts=self._whole(), content_type=JSON))

    def _events(self) -> AsyncGenerator[tuple[TurnEvent, bytes], None]:
        """The turn's events with the audio that is ready by then; ``pcm16`` is that of the samples themselves."""
        if self._format is None:
            return _silent(self._turn.events())
        plain = self._format in LENGTH_IN_HEADER or self._format == "pcm16"
        wire_format = "pcm" if plain else self._format
        return encoded(self._turn.events(), wire_format, self._turn.sample_rate, audio_only=False)

    async def _chunks(self) -> AsyncGenerator[Part, None]:
        options = self._request.stream_options
        include_usage = bool(options and options.include_usage)
        writer = ChunkWriter(self._names, spoken=self._format is not None, include_usage=include_usage)
        begun = False
        async with aclosing(self._events()) as events:
            async for event, audio in events:
                self._note(event)
                sent = b"".join(map(server_sent_event, writer.chunks(event, audio)))
                if sent and not begun:
                    yield Head(headers=self._headers())
                    begun = True
                if sent:
                    yield sent
        yield DONE

    async def _whole(self) -> AsyncGenerator[Part, None]:
        pieces = Pieces()
        spoken = bytearray()
        answered: AnswerFinished | None = None
        async with aclosing(self._events()) as events:
            async for event, audio in events:
                self._note(event)
                pieces.note(event)
                spoken += audio
                if isinstance(event, AnswerFinished):
                    answered = event
        assert answered is not None, "a turn ends with the answer or raises"
        audio_data = await offloaded(len(spoken), self._file, bytes(spoken)) if spoken else None
        document = completion_of(self._names, answered, pieces, audio_data)
        yield Head(headers=self._headers())
        yield await offloaded(len(spoken), msgspec.json.encode, document)

    def _file(self, audio: bytes) -> str:
        """The spoken answer in base64."""
        if self._format in LENGTH_IN_HEADER:
            audio = whole_file(audio, self._format)
        return base64_text.encoded(audio)

    def _note(self, event: TurnEvent) -> None:
        """Take down what the headers tell."""
        if isinstance(event, TranscriptFinished):
            self._transcript = event.text
        elif isinstance(event, Started):
            limit = "max_completion_tokens" if self._request.max_completion_tokens else "max_tokens"
            own_names = {"max_output_tokens": limit}
            self._ignored |= dict.fromkeys(own_names.get(name, name) for name in event.ignored)

    def _headers(self) -> dict[str, str]:
        return headers_of(
            AnswerHead(transcript=self._transcript, ignored=tuple(self._ignored), timings=self._watch.timings())
        )


async def _silent(events: AsyncGenerator[TurnEvent, None]) -> AsyncGenerator[tuple[TurnEvent, bytes], None]:
    """The events of an answer that is not spoken."""
    async with aclosing(events):
        async for event in events:
            yield event, b""


class PassedAnswer:
    """The answer of ``turn`` as its server wrote it; ``ignored`` are parameters without effect."""

    def __init__(self, turn: PassedTurn, watch: Stopwatch, ignored: tuple[str, ...]) -> None:
        self._turn = turn
        self._watch = watch
        self._ignored = ignored

    def response(self, *, streamed: bool, relay: ClientRelay) -> StreamingResponse:
        """The answer in chunks, or whole; ``relay`` is that of the turn."""
        content_type = EVENT_STREAM if streamed else JSON
        return StreamingResponse(Streaming(parts=self._parts(), content_type=content_type, relay=relay))

    async def _parts(self) -> AsyncGenerator[Part, None]:
        ignored, begun = self._ignored, False
        async with aclosing(self._turn.events()) as events:
            async for event in events:
                if isinstance(event, Started):
                    ignored = (*ignored, *event.ignored)
                elif isinstance(event, Forwarded):
                    if not begun:
                        yield Head(headers=headers_of(AnswerHead(ignored=ignored, timings=self._watch.timings())))
                        begun = True
                    yield event.data
