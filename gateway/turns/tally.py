"""Adds up what a turn used, from its events."""

from contextlib import AbstractContextManager

from adapters.contract import audio, llm, tts
from adapters.contract.errors import UpstreamError
from adapters.contract.passthrough import Passed
from gateway.engines.fallback import Answering
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.listen import RecordingFinished, TranscriptFinished
from gateway.pipeline.read_aloud import Read, ReadingFinished
from gateway.pipeline.speak import UtteranceFinished
from gateway.telemetry.observer import Observer, TurnStart, observed
from gateway.telemetry.outcome import Ending, TurnOutcome
from gateway.telemetry.timings import Stopwatch
from gateway.turns.result import ConversationKept, TurnEvent


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
        self._heard_by: dict[str, None] = {}
        self._spoken_by: dict[str, None] = {}
        self._heard = self._spoken = self._delivered = 0.0
        self._characters = self._cached_characters = 0
        self._usage: llm.Usage | None = None
        self._compaction: llm.Usage | None = None

    def observed_by(self, observer: Observer) -> AbstractContextManager[None]:
        """Around the turn: ``observer`` is told that it begins, and once, however it ends, of its outcome."""
        start = TurnStart.of(self._response_id, self._caller, self._route, self._watch.elapsed)
        return observed(observer, start, self.ending, self.outcome)

    def note(self, event: TurnEvent | Read | Passed) -> None:
        """Take down what ``event`` says, before it is passed on."""
        match event:
            case TranscriptFinished() | RecordingFinished():
                self._heard += event.seconds
                if isinstance(event, TranscriptFinished) and event.stood_in is not None:
                    self._heard_by[event.stood_in] = None
            case Answering():
                self.answered_by(event.route)
            case llm.TextDelta() | llm.ReasoningDelta() | llm.ToolCallStarted():
                self._answered_by = self._answered_by or self._route
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
                self._usage, self.ending.reason = event.usage, event.reason
            case ReadingFinished():
                self.ending.reason = "stop"
            case Passed():
                self._usage, self.ending.reason = event.usage, event.reason
                if event.failure is not None:  # its text is the server's, which may quote what was said
                    self.ending.failed(UpstreamError("The server reported a failure in the middle of its answer."))
            case _:
                pass

    def answered_by(self, route: str) -> None:
        """The model of ``route`` has begun to answer."""
        self._answered_by = route

    def delivered(self, event: TurnEvent | Read) -> None:
        """``event`` was taken by the reader."""
        if isinstance(event, tts.AudioChunk):
            self._delivered += audio.seconds(event.pcm, self._sample_rate)

    def outcome(self) -> TurnOutcome:
        """All of it, as of now."""
        return TurnOutcome(
            response_id=self._response_id,
            conversation_id=self._conversation_id,
            caller=self._caller,
            route=self._route,
            answered_by=self._answered_by,
            heard_by=tuple(self._heard_by),
            spoken_by=tuple(self._spoken_by),
            reason=self.ending.reason,
            error=self.ending.error,
            heard_seconds=self._heard,
            characters=self._characters,
            cached_characters=self._cached_characters,
            spoken_seconds=self._spoken,
            delivered_seconds=self._delivered,
            usage=self._usage,
            compaction=self._compaction,
            timings=self._watch.timings(),
        )
