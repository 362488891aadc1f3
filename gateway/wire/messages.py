"""Messages in the form of Chat Completions, and what they are to a language model."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal, assert_never

import msgspec
from msgspec import Meta

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.wire.audio import InputAudio, recording_in

LONGEST_TEXT = 1_000_000
"""Characters of one text: more than any model reads."""

LONGEST_IMAGE_URL = 28_000_000
"""Characters of a ``data:`` URL of 20 MB, the largest image that is read."""

LONGEST_ADDRESS = 8192
"""Characters of a URL that is fetched."""

MOST_PARTS = 8192
"""Parts of all messages of a request: the event loop goes through them with every turn."""

MOST_IMAGES = 64
"""Images of one request."""

ShownText = Annotated[str, Meta(max_length=LONGEST_TEXT)]
ImageAddress = Annotated[str, Meta(max_length=LONGEST_IMAGE_URL)]
CallId = Annotated[str, Meta(max_length=llm.LONGEST_CALL_ID)]


class ImageURL(msgspec.Struct, frozen=True, kw_only=True):
    """Where an image is: an ``https:`` or ``data:`` URL."""

    url: ImageAddress
    detail: Literal["auto", "low", "high"] | None = None


class TextPart(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Text of a message."""

    text: ShownText


class RefusalPart(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """What the assistant said when it refused."""

    refusal: ShownText


class ImagePart(msgspec.Struct, frozen=True, kw_only=True, tag="image_url"):
    """An image of a message."""

    image_url: ImageURL


class AudioPart(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio"):
    """A recording of a message."""

    input_audio: InputAudio


class SpokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier spoken answer by its id."""

    id: Annotated[str, Meta(max_length=256)]


class FunctionCall(msgspec.Struct, frozen=True, kw_only=True):
    """The function that was called and its arguments, a JSON text."""

    name: Annotated[str, Meta(max_length=256)]
    arguments: ShownText


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that the assistant made."""

    id: CallId
    function: FunctionCall
    type: Literal["function"] = "function"


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the form of OpenAI's Chat Completions."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: (
        ShownText | Annotated[list[TextPart | RefusalPart | ImagePart | AudioPart], Meta(max_length=256)] | None
    ) = None
    name: Annotated[str, Meta(max_length=256)] | None = None
    refusal: ShownText | None = None
    reasoning_content: ShownText | None = None
    tool_calls: Annotated[list[ToolCall], Meta(max_length=128)] | None = None
    tool_call_id: CallId | None = None
    function_call: FunctionCall | None = None
    audio: SpokenAnswer | None = None


ChatMessages = Annotated[list[ChatMessage], Meta(max_length=2048)]
"""The messages of one request."""


def spoken_answers(messages: Iterable[ChatMessage]) -> dict[str, str]:
    """The ids of earlier spoken answers, each with the name of its place in the request."""
    found = ((message.audio, number) for number, message in enumerate(messages))
    return {audio.id: f"messages[{number}].audio.id" for audio, number in found if audio is not None}


def messages_of(messages: Iterable[ChatMessage], spoken: Mapping[str, str] | None = None) -> tuple[llm.Message, ...]:
    """The messages as the language model gets them; ``spoken`` are the words of earlier spoken answers by their ids.

    Raises ``InvalidRequest``, also for too many parts or images.
    """
    placed = enumerate(_with_tools(messages))
    made = tuple(message_of(message, spoken or {}, f"messages[{number}]") for number, message in placed)
    return checked(made, "messages")


def checked(messages: tuple[llm.Message, ...], param: str) -> tuple[llm.Message, ...]:
    """``messages``, unless they have more parts or images than one request may have."""
    parts = [part for message in messages for part in message.parts]
    if len(parts) > MOST_PARTS:
        raise InvalidRequest(
            f"Invalid '{param}': too many parts. Expected at most {MOST_PARTS} parts and calls in all messages, but "
            f"got {len(parts)} instead.",
            param=param,
            code="array_above_max_length",
        )
    check_images(sum(isinstance(part, llm.Image) for part in parts), param)
    return messages


def check_images(count: int, param: str) -> None:
    """Refuse more images than one request may have."""
    if count > MOST_IMAGES:
        raise InvalidRequest(
            f"Invalid '{param}': too many images. Expected at most {MOST_IMAGES} images, but got {count} instead.",
            param=param,
            code="array_above_max_length",
        )


def _with_tools(messages: Iterable[ChatMessage]) -> Iterator[ChatMessage]:
    """``messages`` with function calls and their results, the form before tools, as those of tools."""
    called: dict[str, str] = {}
    for number, message in enumerate(messages):
        if message.function_call is not None:
            call_id = called[message.function_call.name] = f"call_{number}"
            calls = [*(message.tool_calls or ()), ToolCall(id=call_id, function=message.function_call)]
            yield msgspec.structs.replace(message, tool_calls=calls)
        elif message.role == "function":
            yield msgspec.structs.replace(message, role="tool", tool_call_id=called.get(message.name or ""))
        else:
            yield message


def message_of(message: ChatMessage, spoken: Mapping[str, str], place: str) -> llm.Message:
    """The message at ``place`` as the language model gets it. Raises ``InvalidRequest`` when it cannot be one."""
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
    for number, part in enumerate(message.content if isinstance(message.content, list) else ()):
        path = f"{place}.content[{number}]"
        match part:
            case TextPart():
                parts.append(llm.Text(text=part.text))
            case RefusalPart():
                parts.append(llm.Text(text=part.refusal))
            case ImagePart():
                _check_user(message, "image")
                parts.append(image_of(part.image_url.url, part.image_url.detail, param=f"{path}.image_url.url"))
            case AudioPart():
                _check_user(message, "recording")
                data = recording_in(part.input_audio, f"{path}.input_audio.data")
                parts.append(llm.Audio(data=data, format=part.input_audio.format or "wav"))
            case _:
                assert_never(part)
    if message.audio is not None and not parts:
        parts.append(llm.Text(text=spoken[message.audio.id]))
    if message.refusal is not None:
        parts.append(llm.Text(text=message.refusal))
    for call in message.tool_calls or ():
        parts.append(llm.ToolCall(call_id=call.id, name=call.function.name, arguments=call.function.arguments))
    reasoning = message.reasoning_content if message.role == "assistant" else None
    return llm.Message(role=message.role, parts=tuple(parts), reasoning=reasoning or None)


def _output(message: ChatMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    for part in message.content or ():
        if not isinstance(part, TextPart):
            _check_user(message, "recording" if isinstance(part, AudioPart) else "image")
    return "".join(part.text for part in message.content or () if isinstance(part, TextPart))


def _check_user(message: ChatMessage, what: str) -> None:
    if message.role != "user":
        raise InvalidRequest(
            f"A message with role {message.role!r} holds text only; send the {what} in a message with role 'user'.",
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
    if not url.startswith("data:") and len(url) > LONGEST_ADDRESS:
        raise InvalidRequest(
            f"Invalid image: string too long. Expected a URL with maximum length {LONGEST_ADDRESS}, but got a string "
            f"with length {len(url)} instead.",
            param=param,
            code="string_above_max_length",
        )
    return llm.Image(url=url, detail=detail)
