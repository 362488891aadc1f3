"""The answer of a turn: the model writes, and what it has written is spoken meanwhile."""

from collections.abc import AsyncGenerator
from typing import assert_never

import msgspec

from adapters.contract import audio, llm, tts
from adapters.contract.engine import Started
from gateway.pipeline.backlog import Backlog
from gateway.pipeline.flow import flowing
from gateway.pipeline.heard import Heard
from gateway.pipeline.stages import Delivery, Engines, voiced, written
from gateway.telemetry import Stopwatch, Timings

EVENTS_AHEAD = 32
"""How many events of the model, and chunks of audio, may wait for a slow listener."""


class TextFinished(msgspec.Struct, frozen=True, kw_only=True, tag="text_finished"):
    """All that was written is known; not all of it need be spoken yet. Left out when nothing was written."""

    text: str


class AnswerFinished(msgspec.Struct, frozen=True, kw_only=True, tag="answer_finished"):
    """The whole answer as text and as it is remembered, why it ended, what it cost and how long the turn took.

    ``message`` holds the text, the calls with the arguments that the model wrote, and what its provider wants back.
    """

    text: str
    message: llm.Message
    reason: llm.FinishReason
    usage: llm.Usage | None
    timings: Timings


Answered = (
    Started
    | llm.TextDelta
    | llm.ReasoningDelta
    | llm.ToolCallStarted
    | llm.ToolCallDelta
    | llm.ToolCallFinished
    | TextFinished
    | tts.AudioChunk
    | AnswerFinished
)


async def answer(
    engines: Engines, request: llm.Request, delivery: Delivery, watch: Stopwatch, heard: Heard
) -> AsyncGenerator[Answered, None]:
    """Write the answer to ``request`` and speak it as ``delivery`` says; ends with ``AnswerFinished``.

    Text and audio come as they are made, neither waits for the other. Raises ``AdapterError``.
    """
    backlog = Backlog(delivery.pacing.batch_sentences, delivery.pacing.first_utterance_seconds)
    draft = _Draft()
    async with flowing(
        written(engines.llm, request, backlog),
        voiced(engines.tts, delivery, backlog, watch, heard),
        buffer=EVENTS_AHEAD,
    ) as events:
        events.fail_at(delivery.pacing.deadline(watch), delivery.pacing.overdue())
        async for event in events:
            match event:
                case Started():
                    yield event
                case tts.AudioChunk():
                    yield event
                    heard.sent(audio.seconds(event.pcm, engines.tts.info.sample_rate))
                case llm.TextDelta() | llm.ReasoningDelta() | llm.ToolCallStarted() | llm.ToolCallDelta():
                    watch.mark("written")
                    if isinstance(event, llm.TextDelta):
                        draft.pieces.append(event.text)
                        backlog.write(event.text)
                    yield event
                case llm.ToolCallFinished():
                    watch.mark("written")
                    draft.calls.append(event)
                    yield event
                case llm.Finished():
                    draft.end = event
                    backlog.close()
                    if text := draft.text:
                        yield TextFinished(text=text)
                case _:
                    assert_never(event)
    yield draft.finished(watch.timings())


class _Draft:
    """The answer as far as it was written."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.calls: list[llm.ToolCallFinished] = []
        self.end: llm.Finished | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def finished(self, timings: Timings) -> AnswerFinished:
        assert self.end is not None, "written() ends with Finished or raises"
        parts: list[llm.Part] = [llm.Text(text=self.text)] if self.pieces else []
        parts += [llm.ToolCall(call_id=call.call_id, name=call.name, arguments=call.arguments) for call in self.calls]
        parts += self.end.extra.get("opaque", ())
        return AnswerFinished(
            text=self.text,
            message=llm.Message(role="assistant", parts=tuple(parts)),
            reason=self.end.reason,
            usage=self.end.usage,
            timings=timings,
        )
