"""Items of the Responses and Conversations APIs as wire types, both ways."""

import uuid
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from adapters.contract.errors import InvalidRequest
from gateway.conversation.conversation import GIVEN_ID
from gateway.conversation.item_ids import id_in
from gateway.wire.field_types import GivenId
from gateway.wire.messages import CallId, ImageAddress, ShownText
from gateway.wire.supported_values import supported_values

MOST_ITEMS = 2048
"""Items of one request."""

Status = Literal["in_progress", "completed", "incomplete"]
ItemName = Annotated[str, Meta(max_length=256)]


class InputText(msgspec.Struct, frozen=True, kw_only=True, tag="input_text"):
    """Text that was given to the model."""

    text: ShownText


class InputImage(msgspec.Struct, frozen=True, kw_only=True, tag="input_image"):
    """An image by URL; ``file_id`` names one that was uploaded to OpenAI, which is out of reach here."""

    image_url: ImageAddress | None = None
    file_id: ItemName | None = None
    detail: Literal["low", "high", "auto", "original"] | None = None


class OutputText(msgspec.Struct, frozen=True, kw_only=True, tag="output_text"):
    """Text that the model wrote."""

    text: ShownText
    annotations: list[Any] = []
    logprobs: list[Any] | None = []


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """What the model said when it refused."""

    refusal: ShownText


class SummaryText(msgspec.Struct, frozen=True, kw_only=True, tag="summary_text"):
    """A summary of the model's reasoning."""

    text: ShownText


class ReasoningText(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning_text"):
    """The model's reasoning."""

    text: ShownText


Content = InputText | InputImage | OutputText | Refusal


class MessageItem(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    """A message."""

    id: GivenId | None = None
    status: Status | None = None
    role: Literal["user", "assistant", "system", "developer"]
    content: ShownText | Annotated[list[Content], Meta(max_length=256)]


class FunctionCallItem(msgspec.Struct, frozen=True, kw_only=True, tag="function_call"):
    """A function that the model calls; ``arguments`` is a JSON text."""

    id: GivenId | None = None
    status: Status | None = None
    call_id: CallId
    name: ItemName
    arguments: ShownText


class FunctionCallOutputItem(msgspec.Struct, frozen=True, kw_only=True, tag="function_call_output"):
    """What the function that was called returned."""

    id: GivenId | None = None
    status: Status | None = None
    call_id: CallId
    output: ShownText | Annotated[list[Content], Meta(max_length=256)]


class ReasoningItem(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning"):
    """What the model thought, in summary or whole; servers that want it back are given the text."""

    id: GivenId | None = None
    status: Status | None = None
    summary: Annotated[list[SummaryText], Meta(max_length=256)] = []
    content: Annotated[list[ReasoningText], Meta(max_length=256)] | None = None
    encrypted_content: Annotated[str, Meta(max_length=10_000_000)] | None = None


Item = MessageItem | FunctionCallItem | FunctionCallOutputItem | ReasoningItem
InputItems = Annotated[list[Item], Meta(max_length=MOST_ITEMS)]

PREFIXES = {MessageItem: "msg", FunctionCallItem: "fc", FunctionCallOutputItem: "fco", ReasoningItem: "rs"}
_TYPES = ("message", "function_call", "function_call_output", "reasoning", "item_reference")
_CONTENT = ("input_text", "input_image", "output_text", "refusal")


def with_types(items: Any, param: str) -> Any:
    """``items`` as a client sent them, each with its ``type``, which messages may lack.

    Raises ``InvalidRequest`` for a type of items, or of what they hold, that a language model alone cannot take.
    """
    if not isinstance(items, list):
        return items
    typed = [{"type": "message", **item} if isinstance(item, dict) and "type" not in item else item for item in items]
    for number, item in enumerate(typed):
        if not isinstance(item, dict):
            continue
        _check_type(item, _TYPES, f"{param}[{number}]")
        for field in ("content", "output") if item["type"] != "reasoning" else ():
            parts = item.get(field)
            for place, part in enumerate(parts if isinstance(parts, list) else ()):
                if isinstance(part, dict):
                    _check_type(part, _CONTENT, f"{param}[{number}].{field}[{place}]")
    return typed


def _check_type(value: dict[str, Any], known: tuple[str, ...], path: str) -> None:
    kind = value.get("type")
    if isinstance(kind, str) and kind not in known:
        raise InvalidRequest(
            f"Invalid value: {kind[:100]!r}. {supported_values(known)}",
            param=f"{path}.type",
            code="invalid_value",
        )


def new_id(kind: type[Item]) -> str:
    """An id for an item of ``kind``."""
    return f"{PREFIXES[kind]}_{uuid.uuid4().hex}"


def named(items: Iterable[Item], param: str, family: str) -> tuple[Item, ...]:
    """``items``, each with a status, its content as parts, and an id, of ``family`` where it has none.

    Raises ``InvalidRequest`` for what is no id.
    """
    return tuple(_named(item, f"{param}[{number}]", family, number) for number, item in enumerate(items))


def _named(item: Item, path: str, family: str, number: int) -> Item:
    if item.id is not None and not GIVEN_ID.fullmatch(item.id):
        raise InvalidRequest(
            f"Invalid '{path}.id': {item.id[:100]!r} must match {GIVEN_ID.pattern}.",
            param=f"{path}.id",
            code="invalid_value",
        )
    whole = msgspec.structs.replace(item, id=item.id or id_in(family, PREFIXES[type(item)], number), status="completed")
    if isinstance(whole, MessageItem):
        return msgspec.structs.replace(whole, content=[_shown(part) for part in content_of(whole)])
    return whole


def content_of(message: MessageItem) -> list[Content]:
    """The content of a message as parts."""
    if not isinstance(message.content, str):
        return message.content
    return [OutputText(text=message.content) if message.role == "assistant" else InputText(text=message.content)]


def _shown(part: Content) -> Content:
    """``part`` with all that its readers expect."""
    match part:
        case InputImage(detail=None):
            return msgspec.structs.replace(part, detail="auto")
        case OutputText(logprobs=None):
            return msgspec.structs.replace(part, logprobs=[])
        case _:
            return part
