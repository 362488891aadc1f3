"""Items of a realtime conversation as messages to a language model, and messages as items."""

from collections.abc import Callable, Iterable
from typing import Literal, assert_never

from adapters.contract import llm
from gateway.realtime.protocol.items import (
    Content,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
)
from gateway.wire.messages import image_of

Recordings = Callable[[str], llm.Part | None]
"""The recording of an item by its id, or what a model is to read in its place; ``None`` leaves it out."""


def messages_of(items: Iterable[Item], recording: Recordings) -> tuple[llm.Message, ...]:
    """The items as a language model gets them; what is unfinished, or has no words, is left out.

    ``recording`` is asked for what the user said where there is no transcript of it. Raises ``InvalidRequest`` for an
    image that is none.
    """
    messages: list[llm.Message] = []
    for group in grouped(items):
        if parts := [part for item in group for part in _parts(item, recording)]:
            messages.append(llm.Message(role=_role(group[0]), parts=tuple(parts)))
    return tuple(messages)


def grouped(items: Iterable[Item]) -> Iterable[list[Item]]:
    """The items of each message: the text and the calls of one answer are one."""
    group: list[Item] = []
    for item in items:
        if group and not (isinstance(item, FunctionCallItem) and _role(group[-1]) == "assistant"):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _role(item: Item) -> str:
    match item:
        case MessageItem():
            return item.role
        case FunctionCallItem():
            return "assistant"
        case FunctionCallOutputItem():
            return "tool"
        case _:
            assert_never(item)


def _parts(item: Item, recording: Recordings) -> Iterable[llm.Part]:
    match item:
        case FunctionCallItem():
            if item.status == "completed":
                yield llm.ToolCall(call_id=item.call_id, name=item.name, arguments=item.arguments)
        case FunctionCallOutputItem():
            yield llm.ToolResult(call_id=item.call_id, output=item.output)
        case MessageItem():
            for content in item.content:
                if (part := _part(item.id, content, recording)) is not None:
                    yield part
        case _:
            assert_never(item)


def _part(item_id: str, content: Content, recording: Recordings) -> llm.Part | None:
    match content:
        case InputImage():
            return image_of(content.image_url, content.detail, param="item.content")
        case InputAudio(transcript=None):
            return recording(item_id)
        case InputAudio() | OutputAudio():
            return llm.Text(text=content.transcript) if content.transcript else None
        case InputText() | OutputText():
            return llm.Text(text=content.text) if content.text else None
        case _:
            assert_never(content)


_ROLES: dict[str, Literal["user", "assistant"]] = {"user": "user", "assistant": "assistant"}
"""Roles that items have as well; others are the system's."""


def items_of(messages: Iterable[llm.Message], new_id: Callable[[str], str]) -> tuple[Item, ...]:
    """Messages that were kept as items, each with a new id. Recordings are not kept: their words are."""
    return tuple(item for message in messages for item in _items(message, new_id))


def _items(message: llm.Message, new_id: Callable[[str], str]) -> Iterable[Item]:
    content: list[Content] = []
    for part in message.parts:
        match part:
            case llm.Text():
                content.append(OutputText(text=part.text) if message.role == "assistant" else InputText(text=part.text))
            case llm.Image() if message.role == "user":
                content.append(InputImage(image_url=part.url))
            case _:
                pass
    if content:
        yield MessageItem(id=new_id("item"), role=_ROLES.get(message.role, "system"), content=content)
    for part in message.parts:
        if isinstance(part, llm.ToolCall):
            yield FunctionCallItem(id=new_id("item"), call_id=part.call_id, name=part.name, arguments=part.arguments)
        elif isinstance(part, llm.ToolResult):
            yield FunctionCallOutputItem(id=new_id("item"), call_id=part.call_id, output=part.output)
