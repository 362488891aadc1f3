"""Wire types of the speech-to-speech route: its request, and the events of its event stream."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.wire.audio import InputAudio, ResponseFormat, VoiceId, VoiceName
from gateway.wire.conversation import ConversationId, ConversationName
from gateway.wire.messages import MOST_IMAGES, ChatMessages, ImageAddress
from gateway.wire.sampling import Effort, StopText, StopTexts
from gateway.wire.tools import ChatTools, ChosenTool, ToolWord
from gateway.wire.usage import StageTimes, Usage

StreamFormat = Literal["audio", "sse"]
ShortText = Annotated[str, Meta(max_length=256)]


class SpeechToSpeechRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a turn; in a form, structures are JSON strings, and the recording is the part ``file``."""

    model: Annotated[ShortText | None, Meta(description="A route of the gateway; its first one when left out.")] = None
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
            description="The history, outright; beside an id, tool results alone are added to what is kept. "
            "When it ends in a tool result, no recording is needed."
        ),
    ] = None
    previous_response_id: Annotated[
        ShortText | None,
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
    temperature: Annotated[float, Meta(ge=0.0, le=2.0, description="Sampling temperature.")] | None = None
    top_p: Annotated[float, Meta(ge=0.0, le=1.0, description="Nucleus sampling.")] | None = None
    stop: Annotated[
        StopText | StopTexts | None,
        Meta(description="Up to four texts that end the answer."),
    ] = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, description="Seed of the sampling.")] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2.0, le=2.0, description="Penalty by frequency.")] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2.0, le=2.0, description="Penalty by presence.")] | None = None
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


class TranscriptDelta(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="transcript.text.delta"):
    """More of what was heard."""

    delta: str


class TranscriptDone(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="transcript.text.done"):
    """All that was heard."""

    text: str
    language: str | None


class TextDelta(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="speech.text.delta"):
    """More of the answer's text."""

    delta: str


class TextDone(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="speech.text.done"):
    """The whole text of the answer."""

    text: str


class FunctionCallDone(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="speech.function_call.done"
):
    """A function the model wants called; ``arguments`` is a JSON text, ``invalid`` says why it cannot be called so."""

    call_id: str
    name: str
    arguments: str
    invalid: str | None = None


class AudioDelta(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="speech.audio.delta"):
    """The next slice of the answer's bytes in the format asked for, base64; the slices joined are one file."""

    audio: str


class AudioDone(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="speech.audio.done"):
    """The end. ``usage`` is null when the server does not say, ``conversation_id`` when the turn is not kept."""

    response_id: str
    conversation_id: str | None
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"]
    usage: Usage | None
    timings: StageTimes


Event = TranscriptDelta | TranscriptDone | TextDelta | TextDone | FunctionCallDone | AudioDelta | AudioDone
