"""The events of a response as servers send them; only the fields that are read."""

from typing import Any, Literal

import msgspec

from adapters.contract import llm
from adapters.upstream import LenientDecoder, UnreadableJson, token_count

Kind = Literal["text", "refusal"]


class Item(msgspec.Struct, gc=False):
    """An output item: a message, reasoning or a function call."""

    type: str | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    content: Any = None
    summary: Any = None


class Incomplete(msgspec.Struct, gc=False):
    """Why a response is incomplete."""

    reason: str | None = None


class InputDetails(msgspec.Struct, gc=False):
    """Details of the input tokens."""

    cached_tokens: int | None = None


class OutputDetails(msgspec.Struct, gc=False):
    """Details of the output tokens."""

    reasoning_tokens: int | None = None


class Usage(msgspec.Struct, gc=False):
    """Token counts of one response."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None

    def counted(self) -> llm.Usage:
        """The usage in the contract's type."""
        read, output = self.input_tokens_details, self.output_tokens_details
        return llm.Usage(
            input_tokens=token_count(self.input_tokens),
            output_tokens=token_count(self.output_tokens),
            cached_tokens=token_count(read.cached_tokens if read else None),
            reasoning_tokens=token_count(output.reasoning_tokens if output else None),
        )


class Response(msgspec.Struct, gc=False):
    """A response when it has ended."""

    id: str | None = None
    status: str | None = None
    output: Any = None
    incomplete_details: Incomplete | None = None
    usage: Usage | None = None
    error: Any = None

    @property
    def items(self) -> list[dict[str, Any]]:
        """The output items as they were sent."""
        items = self.output if isinstance(self.output, list) else [self.output]
        return [item for item in items if isinstance(item, dict)]


class Event(msgspec.Struct, gc=False):
    """The fields of all event types that are read."""

    type: str | None = None
    delta: Any = None
    text: Any = None
    refusal: Any = None
    part: Any = None
    name: str | None = None
    arguments: Any = None
    item: dict[str, Any] | None = None
    item_id: str | None = None
    call_id: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    response: Response | None = None
    error: Any = None


_items = LenientDecoder(Item)

decode_event = LenientDecoder(Event).decode
decode_response = LenientDecoder(Response).decode


def item_of(raw: dict[str, Any] | None) -> Item:
    """An output item that is decoded already."""
    try:
        return _items.convert(raw)
    except UnreadableJson:
        return Item()


def texts(content: Any) -> list[tuple[Kind, str]]:
    """The texts of a message's or reasoning's content parts, in their places; of parts without text an empty one."""
    parts = content if isinstance(content, list) else [content]
    return [_text(part) for part in parts]


def _text(part: Any) -> tuple[Kind, str]:
    match part:
        case {"refusal": str(refusal)} if refusal:
            return "refusal", refusal
        case {"text": {"value": inner}} | {"text": inner}:
            return "text", as_text(inner)
        case _:
            return "text", as_text(part)


def as_text(value: Any) -> str:
    """``value`` if it is a text or a number, else an empty text."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
