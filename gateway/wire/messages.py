"""Messages in the form of Chat Completions, and what they are to a language model."""

from typing import Literal, assert_never

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest


class ImageURL(msgspec.Struct, frozen=True, kw_only=True):
    """Where an image is: an ``https:`` or ``data:`` URL."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None


class TextPart(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Text of a message."""

    text: str


class RefusalPart(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """What the assistant said when it refused."""

    refusal: str


class ImagePart(msgspec.Struct, frozen=True, kw_only=True, tag="image_url"):
    """An image of a message."""

    image_url: ImageURL


class FunctionCall(msgspec.Struct, frozen=True, kw_only=True):
    """The function that was called and its arguments, a JSON text."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that the assistant made."""

    id: str
    function: FunctionCall
    type: Literal["function"] = "function"


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the form of OpenAI's Chat Completions."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart | RefusalPart | ImagePart] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


def message_of(message: ChatMessage) -> llm.Message:
    """The message as the language model gets it. Raises ``InvalidRequest`` when it cannot be one."""
    if message.role == "tool":
        if not message.tool_call_id:
            raise InvalidRequest(
                "A message with role 'tool' needs the 'tool_call_id' of the call it answers.",
                param="messages",
                code="missing_required_parameter",
            )
        result = llm.ToolResult(call_id=message.tool_call_id, output=_output(message))
        return llm.Message(role="tool", parts=(result,))
    parts: list[llm.Part] = []
    if isinstance(message.content, str):
        parts.append(llm.Text(text=message.content))
    for part in message.content if isinstance(message.content, list) else ():
        match part:
            case TextPart():
                parts.append(llm.Text(text=part.text))
            case RefusalPart():
                parts.append(llm.Text(text=part.refusal))
            case ImagePart():
                if message.role != "user":
                    raise _text_only(message.role)
                parts.append(image_of(part.image_url.url, part.image_url.detail, param="messages"))
            case _:
                assert_never(part)
    if message.refusal is not None:
        parts.append(llm.Text(text=message.refusal))
    for call in message.tool_calls or ():
        parts.append(llm.ToolCall(call_id=call.id, name=call.function.name, arguments=call.function.arguments))
    return llm.Message(role=message.role, parts=tuple(parts))


def _output(message: ChatMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    texts = [part.text for part in message.content or () if isinstance(part, TextPart)]
    if len(texts) < len(message.content or ()):
        raise _text_only("tool")
    return "".join(texts)


def _text_only(role: str) -> InvalidRequest:
    return InvalidRequest(
        f"A message with role {role!r} holds text only; send the image in a message with role 'user'.",
        param="messages",
        code="invalid_value",
    )


def image_of(url: str, detail: str | None = None, *, param: str = "image") -> llm.Image:
    """The image behind ``url``. Raises ``InvalidRequest`` when it is neither a web address nor a ``data:`` URL."""
    if not url.startswith(("https://", "http://", "data:image/")):
        raise InvalidRequest(
            f"Invalid image: {url[:40]!r} is not a URL. Use an https: address or data:image/png;base64,….",
            param=param,
            code="invalid_value",
        )
    return llm.Image(url=url, detail=detail)
