"""Items of the Responses API as messages to a language model, and messages as items."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal, assert_never

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from gateway.conversation.raw_items import is_raw
from gateway.wire.items import (
    PREFIXES,
    Content,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputText,
    ReasoningItem,
    ReasoningText,
    Refusal,
    content_of,
)
from gateway.wire.messages import checked, image_of

RECORDING = "(a recording)"
"""What stands for a recording that the model heard itself: items have no audio."""


def messages_of(items: Iterable[Item], param: str = "input") -> tuple[llm.Message, ...]:
    """The items as a language model gets them. Raises ``InvalidRequest``, also for too many parts or images."""
    return checked(joined(map(message_of, items)), param)


def message_of(item: Item) -> llm.Message:
    """What of an item a language model gets; of reasoning, nothing but that. Raises ``InvalidRequest``."""
    match item:
        case MessageItem():
            return _message(item.role, (_part(item.role, part) for part in content_of(item)))
        case FunctionCallItem():
            return _message("assistant", [llm.ToolCall(call_id=item.call_id, name=item.name, arguments=item.arguments)])
        case FunctionCallOutputItem():
            return _message("tool", [llm.ToolResult(call_id=item.call_id, output=_output(item))])
        case ReasoningItem():
            return llm.Message(role="assistant", parts=(), reasoning=_thought(item))
        case _:
            assert_never(item)


def _message(role: str, parts: Iterable[llm.Part]) -> llm.Message:
    return llm.Message(role=role, parts=tuple(parts))


def _thought(item: ReasoningItem) -> str:
    return "".join(part.text for part in item.content or item.summary)


def joined(messages: Iterable[llm.Message]) -> tuple[llm.Message, ...]:
    """Messages of one item each, of which an answer's text, its calls and what led to them become one.

    One that has the item itself stays alone: a server gets that in its place.
    """
    drafts: list[_Draft] = []
    reasoning: list[str] = []  # before the answer that it led to
    for message in messages:
        if message.reasoning is not None:
            reasoning.append(message.reasoning)
        if _is_alone(message):
            drafts.append(_Draft(role=message.role, parts=list(message.parts), is_alone=True))
            continue
        if message.reasoning is not None:
            continue
        if not (drafts and drafts[-1].takes(message)):
            drafts.append(_Draft(role=message.role))
        drafts[-1].parts += message.parts
        if message.role == "assistant":
            drafts[-1].reasoning += reasoning
        reasoning.clear()
    return tuple(
        llm.Message(role=draft.role, parts=tuple(draft.parts), reasoning="".join(draft.reasoning) or None)
        for draft in drafts
    )


def _is_alone(message: llm.Message) -> bool:
    return any(map(is_raw, message.parts))


class _Draft(msgspec.Struct):
    """A message of which more items may be a part, unless it ``is_alone``."""

    role: str
    parts: list[llm.Part] = []
    reasoning: list[str] = []
    is_alone: bool = False

    def takes(self, message: llm.Message) -> bool:
        """Whether ``message`` is a part of the same answer."""
        if self.is_alone or not message.role == self.role == "assistant":
            return False
        return any(isinstance(part, llm.ToolCall) for part in (*self.parts[-1:], *message.parts))


def _part(role: str, part: Content) -> llm.Part:
    match part:
        case InputText() | OutputText():
            return llm.Text(text=part.text)
        case Refusal():
            return llm.Text(text=part.refusal)
        case InputImage():
            if role != "user":
                raise InvalidRequest(
                    f"A message with role {role!r} holds text only; send the image in a message with role 'user'.",
                    param="messages",
                    code="invalid_value",
                )
            if part.image_url is None:
                raise Unsupported(
                    "Images by 'file_id' cannot be fetched here; send 'image_url' with an https: or data: URL.",
                    param="messages",
                )
            detail = "high" if part.detail == "original" else part.detail
            return image_of(part.image_url, detail, param="messages")
        case _:
            assert_never(part)


def _output(item: FunctionCallOutputItem) -> str:
    if isinstance(item.output, str):
        return item.output
    texts = [part.text for part in item.output if isinstance(part, InputText | OutputText)]
    if len(texts) < len(item.output):
        raise Unsupported(
            "The output of a function holds text only here; send an image in a message with role 'user'.",
            param="messages",
        )
    return "".join(texts)


def substituted(item: Item, texts: Mapping[str, str]) -> Item:
    """``item`` with the values of ``texts`` in place of the texts, as a language model gets them, that are its keys."""
    match item:
        case MessageItem():
            content = [_substituted(part, texts) for part in content_of(item)]
            return msgspec.structs.replace(item, content=content)
        case FunctionCallOutputItem():
            return msgspec.structs.replace(item, output=texts.get(_output(item), item.output))
        case ReasoningItem():
            thought = _thought(item)  # of several items before one answer the model gets one text
            substitute = next((each for text, each in texts.items() if thought and thought in text), None)
            if substitute is None:
                return item
            return msgspec.structs.replace(
                item, summary=[], content=[ReasoningText(text=substitute)], encrypted_content=None
            )
        case _:
            return item


def _substituted(part: Content, texts: Mapping[str, str]) -> Content:
    match part:
        case InputText() | OutputText():
            return msgspec.structs.replace(part, text=texts.get(part.text, part.text))
        case Refusal():
            return msgspec.structs.replace(part, refusal=texts.get(part.refusal, part.refusal))
        case _:
            return part


def single(messages: Iterable[llm.Message]) -> tuple[llm.Message, ...]:
    """``messages`` as such of one item each: what was said, each call, and each result; only that is shown again."""
    return tuple(
        _message(message.role, parts)
        for message in messages
        for parts in (
            tuple(part for part in message.parts if isinstance(part, llm.Text | llm.Image | llm.Audio)),
            *((part,) for part in message.parts if isinstance(part, llm.ToolCall | llm.ToolResult)),
        )
        if parts
    )


def items_of(messages: Iterable[llm.Message], seed: str) -> tuple[Item, ...]:
    """``messages`` as items, one of each that is ``single``.

    Their ids are made of ``seed``, so that they are the same whenever they are made.
    """
    items = [_item(message) for message in single(messages)]
    return tuple(
        msgspec.structs.replace(item, id=_derived(PREFIXES[type(item)], seed, number), status="completed")
        for number, item in enumerate(items)
    )


def _item(message: llm.Message) -> Item:
    content: list[Content] = []
    for part in message.parts:
        match part:
            case llm.Text():
                shown = OutputText(text=part.text) if message.role == "assistant" else InputText(text=part.text)
                content.append(shown)
            case llm.Image():
                content.append(InputImage(image_url=part.url, detail="auto"))
            case llm.Audio():
                content.append(InputText(text=RECORDING))
            case llm.ToolCall():
                return FunctionCallItem(call_id=part.call_id, name=part.name, arguments=part.arguments)
            case llm.ToolResult():
                return FunctionCallOutputItem(call_id=part.call_id, output=part.output)
            case llm.Opaque():
                pass
            case _:
                assert_never(part)
    return MessageItem(role=_ROLES.get(message.role, "user"), content=content)


_ROLES: dict[str, Literal["user", "assistant", "system", "developer"]] = {
    "assistant": "assistant",
    "system": "system",
    "developer": "developer",
}
"""Roles that items can have; another name from the settings is the user's."""


def _derived(prefix: str, seed: str, number: int) -> str:
    return f"{prefix}_{hashlib.blake2b(f'{seed} {number}'.encode(), digest_size=16).hexdigest()}"
