"""The answer of a turn: the model writes, sentences are cut as they come, and they are spoken meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from typing import assert_never

import msgspec

from adapters.contract import llm, tts
from adapters.contract.engine import Started
from gateway.pipeline.flow import Late, flowing
from gateway.pipeline.stages import Backlog, Engines, Pacing, voiced, written
from gateway.telemetry import Stopwatch, Timings
from gateway.text.sentences import Splitter

EVENTS_AHEAD = 32
"""How many events of the model, and chunks of audio, may wait for a slow listener."""


class TextFinished(msgspec.Struct, frozen=True, kw_only=True, tag="text_finished"):
    """All that was written is known; not all of it need be spoken yet. Left out when nothing was written."""

    text: str


class AnswerFinished(msgspec.Struct, frozen=True, kw_only=True, tag="answer_finished"):
    """The whole answer as text, why it ended, what it cost and how long the turn took."""

    text: str
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
    engines: Engines, request: llm.Request, speaking: tts.Request, pacing: Pacing, watch: Stopwatch
) -> AsyncGenerator[Answered, None]:
    """Write the answer to ``request`` and speak it as ``speaking`` says; ends with ``AnswerFinished``.

    Text and audio come as they are made, neither waits for the other. Raises ``AdapterError``.
    """
    backlog = Backlog(pacing.batch_sentences)
    spoken = Speech(backlog, pacing.first_utterance_seconds)
    end: llm.Finished | None = None
    async with flowing(
        written(engines.llm, request, backlog), voiced(engines.tts, speaking, backlog, watch), buffer=EVENTS_AHEAD
    ) as events:
        events.fail_at(pacing.deadline(watch), pacing.overdue())
        while True:
            try:
                event = await events.next_by(spoken.deadline)
            except Late:
                spoken.hurry()
                continue
            match event:
                case None:
                    break
                case Started() | tts.AudioChunk():
                    yield event
                case llm.TextDelta():
                    watch.mark("written")
                    spoken.add(event.text)
                    yield event
                case llm.ReasoningDelta() | llm.ToolCallStarted() | llm.ToolCallDelta() | llm.ToolCallFinished():
                    watch.mark("written")
                    yield event
                case llm.Finished():
                    end = event
                    spoken.end()
                    if spoken.text:
                        yield TextFinished(text=spoken.text)
                case _:
                    assert_never(event)
    assert end is not None, "written() ends with Finished or raises"
    yield AnswerFinished(text=spoken.text, reason=end.reason, usage=end.usage, timings=watch.timings())


class Speech:
    """Cuts the text into sentences while it is written and puts them into the backlog of what is to be spoken.

    ``deadline`` is the loop's time at which the first words are due, ``None`` when nothing is waited for.
    """

    def __init__(self, backlog: Backlog, patience: float) -> None:
        self.text = ""
        self.deadline: float | None = None
        self._backlog = backlog
        self._patience = patience
        self._overdue = False
        self._splitter = Splitter(first_clause=True)

    def add(self, text: str) -> None:
        """Take the next piece of the answer."""
        if not self.text:
            self.deadline = asyncio.get_running_loop().time() + self._patience
        self.text += text
        self._put(self._splitter.feed(text))
        if self._overdue:
            self.hurry()

    def hurry(self) -> None:
        """Speak the words there are; when there are none yet, the next ones as soon as they come."""
        self.deadline = None
        self._overdue = True
        if (words := self._splitter.words()) is not None:
            self._put([words])

    def end(self) -> None:
        """Nothing more will be written."""
        self._put(self._splitter.finish())
        self.deadline = None
        self._backlog.close()

    def _put(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self._backlog.put(sentence)
        if sentences:
            self.deadline = None
            self._overdue = False
