"""Adds up what a turn used, from its events."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager

from adapters.contract import audio, llm, tts
from adapters.contract.errors import AdapterError
from gateway.engines.fallback import Answering
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.listen import RecordingFinished, TranscriptFinished
from gateway.pipeline.read_aloud import Read, ReadingFinished
from gateway.pipeline.speak import UtteranceFinished
from gateway.telemetry.outcome import LEFT, Report, TurnOutcome, describe_failure
from gateway.telemetry.timings import Stopwatch, Timings
from gateway.turns.result import ConversationKept, TurnEvent
from gateway.turns.token_estimate import estimated_tokens, message_characters


class Tally:
    """What the turn ``response_id`` of ``caller`` at ``route`` has used so far.

    ``sample_rate`` (Hz) is the synthesiser's. ``reason`` says why the turn ended: ``left`` until it is known otherwise.
    """

    def __init__(self, response_id: str, caller: str, route: str, sample_rate: int) -> None:
        self.reason = LEFT
        self._response_id = response_id
        self._caller = caller
        self._route = route
        self._sample_rate = sample_rate
        self._conversation_id: str | None = None
        self._answered_by: str | None = None
        self._heard_by: dict[str, None] = {}
        self._spoken_by: dict[str, None] = {}
        self._heard = self._listening = self._spoken = self._delivered = 0.0
        self._characters = self._cached_characters = self._delivered_characters = 0
        self._asked: Sequence[llm.Message] | None = None
        self._written = 0
        self._usage: llm.Usage | None = None
        self._compaction: llm.Usage | None = None

    async def listening(self, pcm: AsyncGenerator[bytes, None], sample_rate: int) -> AsyncGenerator[bytes, None]:
        """``pcm`` (s16le mono at ``sample_rate`` Hz) on its way to the recogniser."""
        async with aclosing(pcm):
            async for block in pcm:
                self._listening += audio.seconds(block, sample_rate)
                yield block

    def asked(self, messages: Sequence[llm.Message]) -> None:
        """The model answers ``messages``."""
        self._asked = messages

    def note(self, event: TurnEvent | Read) -> None:
        """Take down what ``event`` says, before it is passed on."""
        match event:
            case TranscriptFinished() | RecordingFinished():
                self._heard += event.seconds
                self._listening = 0.0
                if isinstance(event, TranscriptFinished) and event.stood_in is not None:
                    self._heard_by[event.stood_in] = None
            case Answering():
                self._answered_by = event.route
            case llm.TextDelta() | llm.ReasoningDelta():
                self._answered_by = self._answered_by or self._route
                self._written += len(event.text)
            case llm.ToolCallStarted():
                self._answered_by = self._answered_by or self._route
            case llm.ToolCallDelta():
                self._written += len(event.arguments)
            case tts.AudioChunk():
                self._spoken += audio.seconds(event.pcm, self._sample_rate)
            case UtteranceFinished():
                self._characters += event.characters
                self._cached_characters += event.characters if event.cached else 0
                self._spoken_by |= dict.fromkeys(event.stood_in)
            case ConversationKept():
                self._conversation_id, self._compaction = event.conversation_id, event.compaction
            case AnswerFinished():
                self._answered_by = self._answered_by or self._route
                self._usage, self.reason = event.usage, event.reason
            case ReadingFinished():
                self.reason = "stop"
            case _:
                pass

    def delivered(self, event: TurnEvent | Read) -> None:
        """``event`` was taken by the reader."""
        if isinstance(event, tts.AudioChunk):
            self._delivered += audio.seconds(event.pcm, self._sample_rate)
        elif isinstance(event, UtteranceFinished):
            self._delivered_characters += event.characters

    def outcome(self, timings: Timings) -> TurnOutcome:
        """All of it, as of now."""
        return TurnOutcome(
            response_id=self._response_id,
            conversation_id=self._conversation_id,
            caller=self._caller,
            route=self._route,
            answered_by=self._answered_by,
            heard_by=tuple(self._heard_by),
            spoken_by=tuple(self._spoken_by),
            reason=self.reason,
            heard_seconds=self._heard + (self._listening if self.reason == LEFT else 0.0),
            characters=self._characters,
            cached_characters=self._cached_characters,
            spoken_seconds=self._spoken,
            delivered_seconds=self._delivered,
            delivered_characters=self._delivered_characters,
            usage=self._usage,
            estimate=self._estimate() if self._usage is None else None,
            compaction=self._compaction,
            timings=timings,
        )

    def _estimate(self) -> llm.Usage | None:
        """What the model must have used about, if it was asked."""
        if self._asked is None:
            return None
        return llm.Usage(
            input_tokens=estimated_tokens(message_characters(self._asked)),
            output_tokens=estimated_tokens(self._written),
        )


@contextmanager
def reported(tally: Tally, watch: Stopwatch, report: Report) -> Iterator[None]:
    """Around a turn: ``report`` is told once of what ``tally`` holds at the end, and of the failure if there is one."""
    try:
        yield
    except AdapterError as error:
        tally.reason = describe_failure(error)
        raise
    except Exception as error:
        tally.reason = type(error).__name__
        raise
    finally:
        report(tally.outcome(watch.timings()))
