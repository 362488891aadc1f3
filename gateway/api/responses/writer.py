"""Writes a response: the events of a turn become the events of the Responses API, and the response object; pure."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from adapters.contract import llm
from gateway.api.responses import events
from gateway.api.responses.events import Event
from gateway.api.responses.schema import (
    IncompleteDetails,
    InputTokens,
    OutputItem,
    OutputTokens,
    Response,
    ResponseError,
    ResponseStatus,
    Usage,
)
from gateway.pipeline.answer import AnswerFinished
from gateway.turns.result import TurnEvent
from gateway.wire.items import (
    FunctionCallItem,
    MessageItem,
    OutputText,
    ReasoningItem,
    ReasoningText,
    Refusal,
    Status,
    SummaryText,
    new_id,
)

EventT = TypeVar("EventT", bound=events.Numbered)


class _Open(msgspec.Struct, kw_only=True):
    """An item that is being written: the pieces so far of its text, or of its arguments; it may be a ``refusal``."""

    index: int
    id: str
    pieces: list[str]
    refusal: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class ResponseWriter:
    """Writes the response that begins as ``response``; with ``summarised`` its reasoning goes into the summary.

    ``begin`` once, unless ``sequence`` events were sent before by somebody else; ``note`` for every event of the turn;
    then one of ``end``, ``fail`` and ``cancel``.
    """

    def __init__(self, response: Response, *, summarised: bool = False, sequence: int = 0) -> None:
        self.response = response
        self._summarised = summarised
        self._sequence = sequence
        self._output: list[OutputItem] = []
        self._message: _Open | None = None
        self._reasoning: _Open | None = None
        self._calls: dict[str, tuple[_Open, str]] = {}
        self._end: AnswerFinished | None = None

    def begin(self) -> list[Event]:
        """The first events."""
        return [
            self._event(events.Created, response=self.response),
            self._event(events.InProgress, response=self.response),
        ]

    def note(self, event: TurnEvent) -> list[Event]:
        """What ``event`` is to the client, nothing for most events."""
        match event:
            case llm.TextDelta():
                return self._text(event)
            case llm.ReasoningDelta():
                return self._reason(event.text)
            case llm.ToolCallStarted():
                return self._begin_call(event)
            case llm.ToolCallDelta():
                return self._arguments(event)
            case llm.ToolCallFinished():
                status: Status = "completed" if event.invalid is None else "incomplete"  # it cannot be made so
                return self._end_call(event.call_id, event.arguments, status)
            case AnswerFinished():
                self._end = event
                return self._close("completed" if event.reason in {"stop", "tool_calls"} else "incomplete")
            case _:
                return []

    def end(self, usage: Usage | None, now: int) -> list[Event]:
        """The last event of an answer that is complete, or that was cut at a limit."""
        assert self._end is not None, "a turn that ends has had its answer"
        match self._end.reason:
            case "length":
                return self._incomplete(IncompleteDetails(reason="max_output_tokens"), usage)
            case "content_filter":
                return self._incomplete(IncompleteDetails(reason="content_filter"), usage)
        self._finish("completed", usage=usage, completed_at=now)
        return [self._event(events.Completed, response=self.response)]

    def _incomplete(self, details: IncompleteDetails, usage: Usage | None) -> list[Event]:
        self._finish("incomplete", usage=usage, incomplete_details=details)
        return [self._event(events.Incomplete, response=self.response)]

    def fail(self, error: ResponseError) -> list[Event]:
        """The last events of a response that fails with ``error``."""
        written = self._close("incomplete")
        self._finish("failed", error=error)
        return [*written, self._event(events.Failed, response=self.response)]

    def cancel(self) -> list[Event]:
        """The last events of a response that was cancelled."""
        written = self._close("incomplete")
        self._finish("cancelled")
        return [*written, self._event(events.Incomplete, response=self.response)]

    def break_off(self, error: ResponseError) -> Event:
        """The event that says that the stream itself failed."""
        return self._event(events.Error, code=error.code, message=error.message, param=None)

    def _finish(self, status: ResponseStatus, **fields: object) -> None:
        self.response = msgspec.structs.replace(self.response, status=status, output=tuple(self._output), **fields)

    def _event(self, kind: Callable[..., EventT], **fields: object) -> EventT:
        event = kind(sequence_number=self._sequence, **fields)
        self._sequence += 1
        return event

    def _begin(self, item: OutputItem, *, refusal: bool = False) -> tuple[_Open, Event]:
        """Begin an item at the next place; its event shows it as it is now."""
        assert item.id is not None
        opened = _Open(index=len(self._output), id=item.id, pieces=[], refusal=refusal)
        self._output.append(item)
        return opened, self._event(events.ItemAdded, output_index=opened.index, item=item)

    def _done(self, opened: _Open, item: OutputItem) -> Event:
        self._output[opened.index] = item
        return self._event(events.ItemDone, output_index=opened.index, item=item)

    def _text(self, piece: llm.TextDelta) -> list[Event]:
        written = self._close_reasoning("completed")
        if self._message is not None and self._message.refusal != piece.refusal:
            written += self._close_message("completed")
        if self._message is None:
            item = MessageItem(id=new_id(MessageItem), status="in_progress", role="assistant", content=[])
            self._message, added = self._begin(item, refusal=piece.refusal)
            part = Refusal(refusal="") if piece.refusal else OutputText(text="")
            written += [added, self._part(events.PartAdded, self._message, part=part)]
        self._message.pieces.append(piece.text)
        if piece.refusal:
            return [*written, self._part(events.RefusalDelta, self._message, delta=piece.text)]
        return [*written, self._part(events.TextDelta, self._message, delta=piece.text)]

    def _close_message(self, status: Status) -> list[Event]:
        opened, self._message = self._message, None
        if opened is None:
            return []
        part = Refusal(refusal=opened.text) if opened.refusal else OutputText(text=opened.text)
        item = MessageItem(id=opened.id, status=status, role="assistant", content=[part])
        return [
            self._part(events.RefusalDone, opened, refusal=opened.text)
            if opened.refusal
            else self._part(events.TextDone, opened, text=opened.text),
            self._part(events.PartDone, opened, part=part),
            self._done(opened, item),
        ]

    def _reason(self, text: str) -> list[Event]:
        written: list[Event] = []
        if self._reasoning is None:
            written += self._close_message("completed")
            item = ReasoningItem(id=new_id(ReasoningItem), status="in_progress")
            self._reasoning, added = self._begin(item)
            written.append(added)
            written.append(
                self._summary(events.SummaryPartAdded, self._reasoning, part=SummaryText(text=""))
                if self._summarised
                else self._part(events.PartAdded, self._reasoning, part=ReasoningText(text=""))
            )
        self._reasoning.pieces.append(text)
        written.append(
            self._summary(events.SummaryDelta, self._reasoning, delta=text)
            if self._summarised
            else self._part(events.ReasoningDelta, self._reasoning, delta=text)
        )
        return written

    def _close_reasoning(self, status: Status) -> list[Event]:
        opened, self._reasoning = self._reasoning, None
        if opened is None:
            return []
        if self._summarised:
            summary = SummaryText(text=opened.text)
            return [
                self._summary(events.SummaryDone, opened, text=opened.text),
                self._summary(events.SummaryPartDone, opened, part=summary),
                self._done(opened, ReasoningItem(id=opened.id, status=status, summary=[summary])),
            ]
        part = ReasoningText(text=opened.text)
        return [
            self._part(events.ReasoningDone, opened, text=opened.text),
            self._part(events.PartDone, opened, part=part),
            self._done(opened, ReasoningItem(id=opened.id, status=status, content=[part])),
        ]

    def _begin_call(self, call: llm.ToolCallStarted) -> list[Event]:
        written = [*self._close_reasoning("completed"), *self._close_message("completed")]
        item = FunctionCallItem(
            id=new_id(FunctionCallItem), status="in_progress", call_id=call.call_id, name=call.name, arguments=""
        )
        opened, added = self._begin(item)
        self._calls[call.call_id] = (opened, call.name)
        return [*written, added]

    def _arguments(self, delta: llm.ToolCallDelta) -> list[Event]:
        opened, _ = self._calls[delta.call_id]
        opened.pieces.append(delta.arguments)
        return [self._within(events.ArgumentsDelta, opened, delta=delta.arguments)]

    def _end_call(self, call_id: str, arguments: str, status: Status) -> list[Event]:
        opened, name = self._calls.pop(call_id)
        item = FunctionCallItem(id=opened.id, status=status, call_id=call_id, name=name, arguments=arguments)
        return [
            self._within(events.ArgumentsDone, opened, name=name, arguments=arguments),
            self._done(opened, item),
        ]

    def _close(self, status: Status) -> list[Event]:
        """End what is still being written."""
        written = [*self._close_reasoning(status), *self._close_message(status)]
        for call_id, (opened, _) in list(self._calls.items()):
            written += self._end_call(call_id, opened.text, "incomplete")
        return written

    def _within(self, kind: Callable[..., EventT], opened: _Open, **fields: object) -> EventT:
        return self._event(kind, item_id=opened.id, output_index=opened.index, **fields)

    def _part(self, kind: Callable[..., EventT], opened: _Open, **fields: object) -> EventT:
        return self._within(kind, opened, content_index=0, **fields)

    def _summary(self, kind: Callable[..., EventT], opened: _Open, **fields: object) -> EventT:
        return self._within(kind, opened, summary_index=0, **fields)


def usage_of(usage: llm.Usage | None, compaction: llm.Usage | None) -> Usage | None:
    """The tokens of the answer and of a summary of earlier turns together; ``None`` when the server does not say."""
    if usage is None:
        return None
    counted = (usage,) if compaction is None else (usage, compaction)
    given, written = (sum(each.input_tokens for each in counted), sum(each.output_tokens for each in counted))
    return Usage(
        input_tokens=given,
        input_tokens_details=InputTokens(cached_tokens=sum(each.cached_tokens for each in counted)),
        output_tokens=written,
        output_tokens_details=OutputTokens(reasoning_tokens=sum(each.reasoning_tokens for each in counted)),
        total_tokens=given + written,
    )
