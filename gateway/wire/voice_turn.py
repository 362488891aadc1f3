"""A request for a voice turn, as two surfaces read it, and what it asks in neutral words."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.access.caller import Caller
from gateway.conversation.history import ConversationRef
from gateway.turns.request import AudioSource, TurnRequest
from gateway.wire.audio import InputAudio, ResponseFormat, StreamFormat, VoiceId, VoiceName, voice_name
from gateway.wire.conversation import ConversationId, ConversationName, conversation_name
from gateway.wire.field_types import GivenId, RouteName, ShortText
from gateway.wire.messages import MOST_IMAGES, AudioPart, ChatMessages, ImageAddress, messages_of
from gateway.wire.sampling import Effort, SamplingFields, sampling_of
from gateway.wire.tools import ChatTools, ChosenTool, ToolWord, tool_choice_of, tool_of


class SpeechToSpeechRequest(SamplingFields, frozen=True, kw_only=True):
    """The fields of a turn; in a form, structures are JSON strings, and the recording is the part ``file``."""

    model: RouteName = None
    input_audio: Annotated[InputAudio | None, Meta(description="The recording.")] = None
    voice: Annotated[
        VoiceName | VoiceId | None, Meta(description="One of OpenAI's voices, or one of the engine's own.")
    ] = None
    speed: Annotated[float, Meta(ge=0.25, le=4.0, description="Speed of speech, 1.0 is normal.")] | None = None
    speech_instructions: Annotated[
        Annotated[str, Meta(max_length=4096)] | None,
        Meta(description="How to speak, for engines that follow a described style."),
    ] = None
    instructions: Annotated[
        Annotated[str, Meta(max_length=256_000)] | None,
        Meta(description="The system prompt of this turn, in place of the gateway's own."),
    ] = None
    messages: Annotated[
        ChatMessages | None,
        Meta(
            description="The whole history; beside an id, tool results alone are added to what is kept. "
            "When it ends in a tool result, no recording is needed."
        ),
    ] = None
    previous_response_id: Annotated[
        GivenId | None,
        Meta(description="The answer that this turn follows; from an older one the conversation branches."),
    ] = None
    conversation: Annotated[
        ConversationName | ConversationId | None,
        Meta(
            description="The conversation that this turn belongs to; an id that is not known yet begins one. Anyone "
            "who knows or guesses an id can continue it: choose a long, random one."
        ),
    ] = None
    store: Annotated[
        bool | None, Meta(description="Whether the turn is kept, so that it can be continued; true when left out.")
    ] = None
    tools: Annotated[ChatTools | None, Meta(description="Functions the model may call; needs stream_format sse.")] = (
        None
    )
    tool_choice: Annotated[ToolWord | ChosenTool | None, Meta(description="Whether and which tool is called.")] = None
    image: Annotated[
        ImageAddress | Annotated[list[ImageAddress], Meta(max_length=MOST_IMAGES)] | None,
        Meta(description="Images to look at, by URL."),
    ] = None
    language: Annotated[ShortText | None, Meta(description="The language spoken, ISO 639-1.")] = None
    max_output_tokens: (
        Annotated[int, Meta(ge=1, le=10_000_000, description="Upper bound of the answer, in tokens.")] | None
    ) = None
    reasoning_effort: Annotated[Effort | None, Meta(description="How much the model may think.")] = None
    response_format: Annotated[ResponseFormat | None, Meta(description="Of the answer; wav when left out.")] = None
    stream_format: Annotated[
        StreamFormat | None, Meta(description="The bytes of the answer (audio, the default), or an event stream (sse).")
    ] = None


STRUCTURES = ("voice", "conversation", "messages", "tools", "tool_choice", "image", "input_audio", "stop")
"""Fields that hold JSON when they are sent as text."""

FILES = ("file", "image")
"""Parts of a form that are files: the recording, and images to look at."""

FIELDS = {"audio": "file"}
"""The contract's fields that have another name here, in errors."""

SPEECH_FIELDS = {"instructions": "speech_instructions"}
"""The synthesiser's fields that have another name here, where it does not honour one."""


def turn_request(
    request: SpeechToSpeechRequest,
    caller: Caller,
    audio: AudioSource | None,
    images: tuple[llm.Image, ...],
    spoken: Mapping[str, str],
) -> TurnRequest:
    """What ``caller`` asks for; ``spoken`` are the words of earlier spoken answers. Raises ``InvalidRequest``."""
    _check(request, audio)
    return TurnRequest(
        caller=caller,
        audio=audio,
        language=request.language,
        images=images,
        conversation=ConversationRef(
            previous_response=request.previous_response_id,
            conversation=conversation_name(request.conversation),
            keep=request.store is not False,
            history=None if request.messages is None else messages_of(request.messages, spoken),
        ),
        instructions=request.instructions,
        tools=tuple(tool_of(tool) for tool in request.tools or ()),
        tool_choice=None if request.tool_choice is None else tool_choice_of(request.tool_choice),
        sampling=sampling_of(request),
        max_output_tokens=request.max_output_tokens,
        reasoning_effort=request.reasoning_effort,
        voice=voice_name(request.voice),
        speed=request.speed,
        speech_instructions=request.speech_instructions,
    )


def _check(request: SpeechToSpeechRequest, audio: AudioSource | None) -> None:
    if audio is None and not (request.messages and request.messages[-1].role == "tool"):
        raise InvalidRequest(
            "Missing required parameter: 'file'. Send a recording as 'file', as 'input_audio' in JSON or as the body.",
            param="audio",
            code="missing_required_parameter",
        )
    parts = (
        part for message in request.messages or () if isinstance(message.content, list) for part in message.content
    )
    if any(isinstance(part, AudioPart) for part in parts):
        raise InvalidRequest(
            "Invalid 'messages': recordings are taken by POST /v1/chat/completions; here the question is the one.",
            param="messages",
            code="invalid_value",
        )
    if request.tools and request.stream_format != "sse":
        raise InvalidRequest(
            "Tools need stream_format 'sse': a stream of audio bytes has no place for a function call.",
            param="tools",
            code="invalid_value",
        )
