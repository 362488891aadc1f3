"""Pure: the events of a turn as the chunks of a streamed answer, in the order that clients put together."""

import base64
from collections.abc import Iterator

from msgspec import UNSET

from adapters.contract import llm
from gateway.api.chat_completions.schema import (
    AudioDelta,
    CalledFunction,
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    FinishReason,
    ToolCallDelta,
)
from gateway.api.chat_completions.translate import CompletionId, usage_of
from gateway.pipeline.answer import AnswerFinished
from gateway.turns.result import TurnEvent

BASE64_GROUP = 3
"""Bytes that are four characters of base64: clients join the slices before they decode them."""


class ChunkWriter:
    """Writes the chunks of the answer ``names``; the text of a ``spoken`` one is its transcript."""

    def __init__(self, names: CompletionId, *, spoken: bool, include_usage: bool) -> None:
        self._names = names
        self._spoken = spoken
        self._usage = None if include_usage else UNSET
        self._begun = self._audio_begun = False
        self._calls: dict[str, int] = {}
        self._audio = b""

    def chunks(self, event: TurnEvent, audio: bytes) -> Iterator[ChatCompletionChunk]:
        """The chunks of ``event``, and of the ``audio`` that is ready with it."""
        self._audio += audio
        if len(self._audio) >= BASE64_GROUP:
            yield from self._slice(len(self._audio) // BASE64_GROUP * BASE64_GROUP)
        match event:
            case llm.TextDelta() if self._spoken:
                yield from self._begin_audio()
                yield self._chunk(Delta(audio=AudioDelta(transcript=event.text)))
            case llm.TextDelta(refusal=True):
                yield from self._begin(content=None)
                yield self._chunk(Delta(refusal=event.text))
            case llm.TextDelta():
                yield from self._begin(content="")
                yield self._chunk(Delta(content=event.text))
            case llm.ReasoningDelta():
                yield from self._begin(content=None)  # calls alone may follow, and their content is null
                yield self._chunk(Delta(reasoning_content=event.text))
            case llm.ToolCallStarted():
                yield from self._begin(content=None)
                yield self._chunk(Delta(tool_calls=[self._started(event)]))
            case llm.ToolCallDelta():
                function = CalledFunction(arguments=event.arguments)
                piece = ToolCallDelta(index=self._calls[event.call_id], function=function)
                yield self._chunk(Delta(tool_calls=[piece]))
            case llm.ToolCallFinished() if event.invalid is not None:
                refused = ToolCallDelta(index=self._calls[event.call_id], invalid=event.invalid)
                yield self._chunk(Delta(tool_calls=[refused]))
            case AnswerFinished():
                yield from self._finish(event)
            case _:
                pass

    def _begin(self, *, content: str | None) -> Iterator[ChatCompletionChunk]:
        if not self._begun:
            self._begun = True
            yield self._chunk(Delta(role="assistant", content=content, refusal=None))

    def _begin_audio(self) -> Iterator[ChatCompletionChunk]:
        yield from self._begin(content=None)
        if not self._audio_begun:
            self._audio_begun = True
            yield self._chunk(Delta(audio=AudioDelta(id=self._names.audio_id)))

    def _slice(self, size: int) -> Iterator[ChatCompletionChunk]:
        yield from self._begin_audio()
        data, self._audio = self._audio[:size], self._audio[size:]
        yield self._chunk(Delta(audio=AudioDelta(data=base64.b64encode(data).decode())))

    def _started(self, event: llm.ToolCallStarted) -> ToolCallDelta:
        index = self._calls[event.call_id] = len(self._calls)
        function = CalledFunction(name=event.name, arguments="")
        return ToolCallDelta(index=index, id=event.call_id, type="function", function=function)

    def _finish(self, event: AnswerFinished) -> Iterator[ChatCompletionChunk]:
        yield from self._begin(content=None if self._spoken else "")
        if self._audio:
            yield from self._slice(len(self._audio))
        if self._audio_begun:
            yield self._chunk(Delta(audio=AudioDelta(expires_at=self._names.expires_at)))
        yield self._chunk(Delta(), event.reason)
        if self._usage is not UNSET and (usage := usage_of(event.usage)) is not None:
            names = self._names
            yield ChatCompletionChunk(id=names.id, created=names.created, model=names.model, choices=[], usage=usage)

    def _chunk(self, delta: Delta, finish_reason: FinishReason | None = None) -> ChatCompletionChunk:
        return ChatCompletionChunk(
            id=self._names.id,
            created=self._names.created,
            model=self._names.model,
            choices=[ChunkChoice(delta=delta, finish_reason=finish_reason)],
            usage=self._usage,
        )
