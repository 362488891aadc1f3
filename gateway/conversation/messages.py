"""Messages and tools as chat clients write them, and what they are to a language model."""

from typing import Any, Literal, assert_never

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
    content: str | list[TextPart | ImagePart] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function; ``parameters`` is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ChatTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool, nested as in Chat Completions (``function``) or flat as in Responses and Realtime (``name``…)."""

    type: Literal["function"]
    function: Function | None = None
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ChosenFunction(msgspec.Struct, frozen=True, kw_only=True):
    """The name of the function that must be called."""

    name: str


class ChosenTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool choice that forces one function, nested or flat."""

    type: Literal["function"]
    function: ChosenFunction | None = None
    name: str | None = None


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
            case ImagePart():
                parts.append(image_of(part.image_url.url, part.image_url.detail))
            case _:
                assert_never(part)
    for call in message.tool_calls or ():
        parts.append(llm.ToolCall(call_id=call.id, name=call.function.name, arguments=call.function.arguments))
    return llm.Message(role=message.role, parts=tuple(parts))


def _output(message: ChatMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    texts = [part.text for part in message.content or () if isinstance(part, TextPart)]
    if len(texts) < len(message.content or ()):
        raise InvalidRequest(
            "A message with role 'tool' holds text only; send the image in a message with role 'user'.",
            param="messages",
            code="invalid_value",
        )
    return "".join(texts)


def image_of(url: str, detail: str | None = None) -> llm.Image:
    """The image behind ``url``. Raises ``InvalidRequest`` when it is neither a web address nor a ``data:`` URL."""
    if not url.startswith(("https://", "http://", "data:image/")):
        raise InvalidRequest(
            f"Invalid image: {url[:40]!r} is no URL. Use an https: address, or data:image/png;base64,… with the image.",
            param="image",
            code="invalid_value",
        )
    return llm.Image(url=url, detail=detail)


def tool_of(tool: ChatTool) -> llm.Tool:
    """The tool as the language model gets it. Raises ``InvalidRequest`` without a name."""
    if tool.function is not None:
        nested = tool.function
        return llm.Tool(
            name=nested.name, description=nested.description, parameters=nested.parameters, strict=nested.strict
        )
    if not tool.name:
        raise InvalidRequest(
            "Missing required parameter: 'tools[].name'.", param="tools", code="missing_required_parameter"
        )
    return llm.Tool(name=tool.name, description=tool.description, parameters=tool.parameters, strict=tool.strict)


def tool_choice_of(choice: Literal["auto", "none", "required"] | ChosenTool) -> llm.ToolChoice:
    """The tool choice as the language model gets it. Raises ``InvalidRequest`` without a name."""
    if not isinstance(choice, ChosenTool):
        return choice
    name = choice.function.name if choice.function else choice.name
    if not name:
        raise InvalidRequest(
            "Missing required parameter: 'tool_choice.name'.", param="tool_choice", code="missing_required_parameter"
        )
    return llm.NamedTool(name=name)
