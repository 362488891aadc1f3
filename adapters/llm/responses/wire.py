"""The events of a response as servers send them; only the fields that are read."""

from typing import Any

import msgspec

from adapters.contract import llm


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
            input_tokens=self.input_tokens or 0,
            output_tokens=self.output_tokens or 0,
            cached_tokens=(read.cached_tokens if read else None) or 0,
            reasoning_tokens=(output.reasoning_tokens if output else None) or 0,
        )


class Response(msgspec.Struct, gc=False):
    """A response when it has ended."""

    status: str | None = None
    output: list[Item] | None = None
    incomplete_details: Incomplete | None = None
    usage: Usage | None = None
    error: Any = None


class Event(msgspec.Struct, gc=False):
    """The fields of all event types that are read."""

    type: str | None = None
    delta: Any = None
    arguments: Any = None
    item: Item | None = None
    item_id: str | None = None
    output_index: int | None = None
    response: Response | None = None
    error: Any = None


decode_event = msgspec.json.Decoder(Event).decode
decode_response = msgspec.json.Decoder(Response).decode
