"""Adds up what a turn used, from its events."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager, aclosing

from adapters.contract import audio, llm, tts
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from adapters.contract.passthrough import Passed
from gateway.engines.fallback import Answering
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.guarded_answer import Guarded
from gateway.pipeline.listen import RecordingFinished, TranscriptFinished
from gateway.pipeline.read_aloud import Read, ReadingFinished
from gateway.pipeline.speak import UtteranceFinished
from gateway.telemetry.observer import Observer, TurnStart, observed
from gateway.telemetry.outcome import LEFT, Ending, TurnOutcome
from gateway.telemetry.timings import Stopwatch
from gateway.turns.result import ConversationKept, TurnEvent
from gateway.turns.token_estimate import estimated_tokens, message_characters


class Tally:
    """What the turn ``response_id`` of ``caller`` at ``route`` has used so far, and how it ends.

    ``watch`` has run since the request came. ``sample_rate`` (Hz) is that of the audio in its events.
    """

    def __init__(self, response_id: str, caller: str, route: str, watch: Stopwatch, sample_rate: int = 0) -> None:
        self.ending = Ending()
        self._response_id = response_id
        self._caller = caller
        self._route = route
        self._watch = watch
        self._sample_rate = sample_rate
        self._conversation_id: str | None = None
        self._answered_by: str | None = None
        self._upstream: str | None = None
        self._heard_by: dict[str, None] = {}
        self._spoken_by: dict[str, None] = {}
        self._guards: dict[str, None] = {}
        self._heard = self._listening = self._spoken = self._delivered = 0.0
        self._characters = self._cached_characters = self._delivered_characters = 0
        self._written = 0
        self._estimate: Callable[[], llm.Usage] | None = None
        self._usage: llm.Usage | None = None
        self._compaction: llm.Usage | None = None

    async def listening(self, pcm: AsyncGenerator[bytes, None], sample_rate: int) -> AsyncGenerator[bytes, None]:
        """``pcm`` (s16le mono at ``sample_rate`` Hz) on its way to the recogniser."""
        async with aclosing(pcm):
            async for block in pcm:
                self._listening += audio.seconds(block, sample_rate)
                yield block

    def usage_of(self, messages: Sequence[llm.Message]) -> llm.Usage:
        """What a model must have used about that was asked ``messages``, by what it has written so far."""
        characters = message_characters(messages)
        return llm.Usage(input_tokens=estimated_tokens(characters), output_tokens=estimated_tokens(self._written))

    def estimated_by(self, estimate: Callable[[], llm.Usage]) -> None:
        """``estimate`` says what the model must have used about, once it has begun to answer and told no usage."""
        self._estimate = estimate

    def observed_by(self, observer: Observer) -> AbstractContextManager[None]:
        """Around the turn: ``observer`` is told that it begins, and once, however it ends, of its outcome."""
        start = TurnStart.of(self._response_id, self._caller, self._route, self._watch.elapsed)
        return observed(observer, start, self.ending, self.outcome)

    def note(self, event: TurnEvent | Read | Guarded | Passed) -> None:
        """Take down what ``event`` says, before it is passed on."""
        match event:
            case TranscriptFinished() | RecordingFinished():
                self._heard += event.seconds
                self._listening = 0.0
                if isinstance(event, TranscriptFinished) and event.stood_in is not None:
                    self._heard_by[event.stood_in] = None
            case Answering():
                self.answered_by(event)
            case llm.TextDelta() | llm.ReasoningDelta():
                self._answered_by = self._answered_by or self._route
                self._written += len(event.text)
            case llm.ToolCallStarted() | llm.ToolCallDelta():
                self._answered_by = self._answered_by or self._route
                self._written += len(event.arguments) if isinstance(event, llm.ToolCallDelta) else 0
            case tts.AudioChunk():
                self._spoken += audio.seconds(event.pcm, self._sample_rate)
            case UtteranceFinished():
                self._characters += event.characters
                self._cached_characters += event.characters if event.cached else 0
                self._spoken_by |= dict.fromkeys(event.stood_in)
            case Guarded():
                self._guards[event.guard] = None
            case ConversationKept():
                self._conversation_id, self._compaction = event.conversation_id, event.compaction
            case ReadingFinished():
                self.ending.reason = "stop"
            case AnswerFinished() | Passed():
                self._finished(event)
            case _:
                pass

    def _finished(self, answer: AnswerFinished | Passed) -> None:
        self._answered_by = self._answered_by or self._route
        self._usage, self.ending.reason = answer.usage, answer.reason
        if isinstance(answer, Passed) and answer.failure is not None:
            # Its text is the server's, which may quote what was said.
            self.ending.failed(UpstreamError("The server reported a failure in the middle of its answer."))

    def answered_by(self, started: Started) -> None:
        """The model has begun to answer with ``started``."""
        if isinstance(started, Answering):
            self._answered_by, self._upstream = started.route, started.upstream
        else:
            self._answered_by = self._route

    def delivered(self, event: TurnEvent | Read) -> None:
        """``event`` was taken by the reader."""
        if isinstance(event, tts.AudioChunk):
            self._delivered += audio.seconds(event.pcm, self._sample_rate)
        elif isinstance(event, UtteranceFinished):
            self._delivered_characters += event.characters

    def outcome(self) -> TurnOutcome:
        """All of it, as of now."""
        return TurnOutcome(
            response_id=self._response_id,
            conversation_id=self._conversation_id,
            caller=self._caller,
            route=self._route,
            answered_by=self._answered_by,
            upstream=self._upstream,
            heard_by=tuple(self._heard_by),
            spoken_by=tuple(self._spoken_by),
            guards=tuple(self._guards),
            reason=self.ending.reason,
            error=self.ending.error,
            heard_seconds=self._heard + (self._listening if self.ending.reason == LEFT else 0.0),
            characters=self._characters,
            cached_characters=self._cached_characters,
            spoken_seconds=self._spoken,
            delivered_seconds=self._delivered,
            delivered_characters=self._delivered_characters,
            usage=self._usage,
            estimate=self._estimated(),
            compaction=self._compaction,
            timings=self._watch.timings(),
        )

    def _estimated(self) -> llm.Usage | None:
        if self._estimate is None or self._answered_by is None or self._usage is not None:
            return None
        return self._estimate()
