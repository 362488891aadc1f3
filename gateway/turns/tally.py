"""Adds up what a turn used, from its events."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.contract import audio, llm, tts
from adapters.contract.errors import AdapterError
from gateway.engines.fallback import Answering
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.guarded_answer import Guarded
from gateway.pipeline.listen import RecordingFinished, TranscriptFinished
from gateway.pipeline.read_aloud import Read, ReadingFinished
from gateway.pipeline.speak import UtteranceFinished
from gateway.telemetry.outcome import LEFT, Report, TurnOutcome, describe_failure
from gateway.telemetry.timings import Stopwatch, Timings
from gateway.turns.result import ConversationKept, TurnEvent


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
        self._guards: dict[str, None] = {}
        self._heard = self._spoken = self._delivered = 0.0
        self._characters = self._cached_characters = 0
        self._usage: llm.Usage | None = None
        self._compaction: llm.Usage | None = None

    def note(self, event: TurnEvent | Read | Guarded) -> None:
        """Take down what ``event`` says, before it is passed on."""
        match event:
            case TranscriptFinished() | RecordingFinished():
                self._heard += event.seconds
                if isinstance(event, TranscriptFinished) and event.stood_in is not None:
                    self._heard_by[event.stood_in] = None
            case Answering():
                self._answered_by = event.route
            case llm.TextDelta() | llm.ReasoningDelta() | llm.ToolCallStarted():
                self._answered_by = self._answered_by or self._route
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
            guards=tuple(self._guards),
            reason=self.reason,
            heard_seconds=self._heard,
            characters=self._characters,
            cached_characters=self._cached_characters,
            spoken_seconds=self._spoken,
            delivered_seconds=self._delivered,
            usage=self._usage,
            compaction=self._compaction,
            timings=timings,
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
