"""Answering stage: what the model writes is spoken while it is being written."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import assert_never

import msgspec

from adapters.contract import audio, llm, tts
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from gateway.pipeline.deadline import Deadline
from gateway.pipeline.guarded_answer import Guarded, Written
from gateway.pipeline.playhead import Playhead
from gateway.pipeline.speak import Delivery, UtteranceFinished, UtteranceStarted, speak
from gateway.pipeline.utterance_scheduler import Pacing, UtteranceGate, UtteranceScheduler
from gateway.tasks import merged
from gateway.telemetry.timings import Stopwatch

EVENTS_AHEAD = 32
"""How many events of the model, and chunks of audio, may wait for a slow listener."""


LONGEST_SLICE = 500
"""Characters of text that are segmented in one go, a few milliseconds of work."""


class TextFinished(msgspec.Struct, frozen=True, kw_only=True, tag="text_finished"):
    """All that was written is known; not all of it need be spoken yet. Left out when nothing was written."""

    text: str


class AnswerFinished(msgspec.Struct, frozen=True, kw_only=True, tag="answer_finished"):
    """The whole answer: as text and as the message that the history keeps, why it ended and what it cost.

    ``message`` holds the text, the calls with the arguments that the model wrote, and what its provider wants back.
    """

    text: str
    message: llm.Message
    reason: llm.FinishReason
    usage: llm.Usage | None


Answered = (
    Started
    | llm.TextDelta
    | llm.ReasoningDelta
    | llm.ToolCallStarted
    | llm.ToolCallDelta
    | llm.ToolCallFinished
    | TextFinished
    | Guarded
    | tts.AudioChunk
    | UtteranceStarted
    | UtteranceFinished
    | AnswerFinished
)


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """The speaking half of an answer: the synthesiser, how and when it speaks, and what of it was played.

    A ``gate`` holds its utterances back.
    """

    engine: tts.Synthesiser
    delivery: Delivery
    pacing: Pacing
    playhead: Playhead
    gate: UtteranceGate | None = None


async def answer(
    writing: AsyncGenerator[Written, None], speech: Speech, deadline: Deadline, watch: Stopwatch
) -> AsyncGenerator[Answered, None]:
    """Speak what the language model's stream ``writing`` says; ends with ``AnswerFinished``.

    Text and audio come as they are made, neither waits for the other. Raises ``AdapterError``.
    """
    scheduler = UtteranceScheduler(speech.pacing, speech.gate)
    draft = _Draft(watch)
    async with merged(
        _scheduled(_complete(writing), scheduler),
        speak(speech.engine, speech.delivery, scheduler, watch, speech.playhead),
        buffer=EVENTS_AHEAD,
    ) as events:
        events.fail_at(deadline.at, deadline.exceeded())
        async for event in events:
            match event:
                case UtteranceStarted() | UtteranceFinished():
                    yield event
                case tts.AudioChunk():
                    yield event
                    speech.playhead.sent(audio.seconds(event.pcm, speech.engine.info.sample_rate))
                case _:
                    if (noted := draft.note(event)) is not None:
                        yield noted
    yield draft.finished()


async def written_answer(
    writing: AsyncGenerator[Written, None], deadline: Deadline, watch: Stopwatch
) -> AsyncGenerator[Answered, None]:
    """The same answer as text alone, without speech; ends with ``AnswerFinished``. Raises ``AdapterError``."""
    draft = _Draft(watch)
    async with merged(_complete(writing), buffer=EVENTS_AHEAD) as events:
        events.fail_at(deadline.at, deadline.exceeded())
        async for event in events:
            if (noted := draft.note(event)) is not None:
                yield noted
    yield draft.finished()


async def _complete(writing: AsyncGenerator[Written, None]) -> AsyncGenerator[Written, None]:
    """The model's stream. Raises ``UpstreamError`` when it ends without ``Finished``."""
    finished = False
    async with aclosing(writing):
        async for event in writing:
            yield event
            finished = isinstance(event, llm.Finished)
    if not finished:
        raise UpstreamError("The language model's stream ended before the answer was finished.")


async def _scheduled(
    writing: AsyncGenerator[Written, None], scheduler: UtteranceScheduler
) -> AsyncGenerator[Written, None]:
    """The model's stream, its text given to ``scheduler``; held back while many sentences wait for synthesis.

    ``Started`` comes with what follows it: who is told first runs first, and the synthesiser is to be asked soonest.
    """
    started: Started | None = None
    async with aclosing(writing):
        async for event in writing:
            if isinstance(event, Started):
                started = event
                continue
            for piece in _sliced(event):
                await scheduler.room()
                if isinstance(piece, llm.TextDelta):
                    scheduler.write(piece.text)
                elif isinstance(piece, llm.Finished):
                    scheduler.close()
                if started is not None:
                    yield started
                    started = None
                yield piece


def _sliced(event: Written) -> Iterator[Written]:
    """``event``, a long text in slices: a whole answer that comes at once must not be segmented at once."""
    if not isinstance(event, llm.TextDelta) or len(event.text) <= LONGEST_SLICE:
        yield event
        return
    for start in range(0, len(event.text), LONGEST_SLICE):
        yield msgspec.structs.replace(event, text=event.text[start : start + LONGEST_SLICE])


class _Draft:
    """The answer as far as it was written; ``watch`` learns when it began."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch
        self.pieces: list[str] = []
        self.calls: list[llm.ToolCallFinished] = []
        self.end: llm.Finished | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def note(self, event: Written) -> Answered | None:
        """Take down what ``event`` says; what is to be told of it."""
        match event:
            case Started() | Guarded():
                return event
            case llm.TextDelta() | llm.ReasoningDelta() | llm.ToolCallStarted() | llm.ToolCallDelta():
                self._watch.mark("llm_first_token")
                if isinstance(event, llm.TextDelta):
                    self.pieces.append(event.text)
                return event
            case llm.ToolCallFinished():
                self._watch.mark("llm_first_token")
                self.calls.append(event)
                return event
            case llm.Finished():
                self._watch.mark("llm_done")
                self.end = event
                return TextFinished(text=self.text) if self.pieces else None
            case _:
                assert_never(event)

    def finished(self) -> AnswerFinished:
        assert self.end is not None, "_complete() ends with Finished or raises"
        parts: list[llm.Part] = [llm.Text(text=self.text)] if self.pieces else []
        parts += [llm.ToolCall(call_id=call.call_id, name=call.name, arguments=call.arguments) for call in self.calls]
        parts += self.end.extra.get("opaque", ())
        return AnswerFinished(
            text=self.text,
            message=llm.Message(role="assistant", parts=tuple(parts)),
            reason=self.end.reason,
            usage=self.end.usage,
        )
