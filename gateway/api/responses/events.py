"""Wire types of the events in which a response is streamed; ``sequence_number`` counts them from 0."""

from typing import Any

import msgspec

from gateway.api.responses.schema import OutputItem, Response
from gateway.wire.items import OutputText, ReasoningText, Refusal, SummaryText


class Numbered(msgspec.Struct, frozen=True, kw_only=True):
    """An event, by its place in the stream."""

    sequence_number: int


class OfResponse(Numbered, frozen=True, kw_only=True):
    """The whole response, as it is at this point."""

    response: Response


class Created(OfResponse, frozen=True, kw_only=True, tag="response.created"):
    """The response exists."""


class InProgress(OfResponse, frozen=True, kw_only=True, tag="response.in_progress"):
    """The model is at work."""


class Completed(OfResponse, frozen=True, kw_only=True, tag="response.completed"):
    """The response is complete."""


class Incomplete(OfResponse, frozen=True, kw_only=True, tag="response.incomplete"):
    """The response ended early, or was cancelled."""


class Failed(OfResponse, frozen=True, kw_only=True, tag="response.failed"):
    """The response failed."""


class OfItem(Numbered, frozen=True, kw_only=True):
    """An item of the output, at its place."""

    output_index: int
    item: OutputItem


class ItemAdded(OfItem, frozen=True, kw_only=True, tag="response.output_item.added"):
    """An item begins."""


class ItemDone(OfItem, frozen=True, kw_only=True, tag="response.output_item.done"):
    """An item is complete."""


class WithinItem(Numbered, frozen=True, kw_only=True):
    """Something within an item of the output."""

    item_id: str
    output_index: int


class PartAdded(WithinItem, frozen=True, kw_only=True, tag="response.content_part.added"):
    """A part of an item begins."""

    content_index: int
    part: OutputText | Refusal | ReasoningText


class PartDone(WithinItem, frozen=True, kw_only=True, tag="response.content_part.done"):
    """A part of an item is complete."""

    content_index: int
    part: OutputText | Refusal | ReasoningText


class TextDelta(WithinItem, frozen=True, kw_only=True, tag="response.output_text.delta"):
    """More text."""

    content_index: int
    delta: str
    logprobs: tuple[()] = ()


class TextDone(WithinItem, frozen=True, kw_only=True, tag="response.output_text.done"):
    """The whole text."""

    content_index: int
    text: str
    logprobs: tuple[()] = ()


class RefusalDelta(WithinItem, frozen=True, kw_only=True, tag="response.refusal.delta"):
    """More of what the model says instead of an answer."""

    content_index: int
    delta: str


class RefusalDone(WithinItem, frozen=True, kw_only=True, tag="response.refusal.done"):
    """The whole refusal."""

    content_index: int
    refusal: str


class ReasoningDelta(WithinItem, frozen=True, kw_only=True, tag="response.reasoning_text.delta"):
    """More of the reasoning."""

    content_index: int
    delta: str


class ReasoningDone(WithinItem, frozen=True, kw_only=True, tag="response.reasoning_text.done"):
    """The whole reasoning."""

    content_index: int
    text: str


class SummaryPartAdded(WithinItem, frozen=True, kw_only=True, tag="response.reasoning_summary_part.added"):
    """A part of the reasoning's summary begins."""

    summary_index: int
    part: SummaryText


class SummaryPartDone(WithinItem, frozen=True, kw_only=True, tag="response.reasoning_summary_part.done"):
    """A part of the reasoning's summary is complete."""

    summary_index: int
    part: SummaryText


class SummaryDelta(WithinItem, frozen=True, kw_only=True, tag="response.reasoning_summary_text.delta"):
    """More of the reasoning's summary."""

    summary_index: int
    delta: str


class SummaryDone(WithinItem, frozen=True, kw_only=True, tag="response.reasoning_summary_text.done"):
    """The whole summary."""

    summary_index: int
    text: str


class ArgumentsDelta(WithinItem, frozen=True, kw_only=True, tag="response.function_call_arguments.delta"):
    """More of a call's arguments."""

    delta: str


class ArgumentsDone(WithinItem, frozen=True, kw_only=True, tag="response.function_call_arguments.done"):
    """The whole arguments of a call."""

    name: str
    arguments: str


class Error(Numbered, frozen=True, kw_only=True, tag="error"):
    """The stream itself failed; last."""

    code: str | None
    message: str
    param: str | None


Event = (
    Created
    | InProgress
    | ItemAdded
    | PartAdded
    | TextDelta
    | TextDone
    | RefusalDelta
    | RefusalDone
    | ReasoningDelta
    | ReasoningDone
    | SummaryPartAdded
    | SummaryDelta
    | SummaryDone
    | SummaryPartDone
    | ArgumentsDelta
    | ArgumentsDone
    | PartDone
    | ItemDone
    | Completed
    | Incomplete
    | Failed
    | Error
)


def event_bytes(event: Event, response: dict[str, Any] | None = None) -> bytes:
    """The event as it is sent, if need be with another ``response`` than its own.

    Unlike on other routes its name stands before it, as OpenAI sends it here.
    """
    name = str(type(event).__struct_config__.tag)
    told = event if response is None else msgspec.to_builtins(event) | {"response": response}
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(told) + b"\n\n"
