"""Wire types of Chat Completions: the request, the whole answer, and the chunks of a streamed one."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.wire.answer_form import JsonFormat, JsonSchema, TextFormat
from gateway.wire.audio import VoiceId, VoiceName
from gateway.wire.field_types import ShortText
from gateway.wire.messages import ChatMessages
from gateway.wire.sampling import Effort, SamplingFields
from gateway.wire.tools import ChatTools, ChosenToolChoice

AudioFormat = Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]
TokenCount = Annotated[int, Meta(ge=1, le=10_000_000)]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class StreamOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a streamed answer has beside its content."""

    include_usage: Annotated[bool | None, Meta(description="Whether a last chunk tells the tokens.")] = None
    include_obfuscation: Annotated[bool | None, Meta(description="Without effect: chunks are not padded.")] = None


class AudioOutput(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is spoken."""

    voice: Annotated[VoiceName | VoiceId, Meta(description="One of OpenAI's voices, or one of the engine's own.")]
    format: Annotated[AudioFormat, Meta(description="Of the audio; a streamed answer has pcm16 (24 kHz mono) only.")]


class JsonSchemaFormat(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="json_schema"):
    """An answer that is a JSON object of a schema."""

    json_schema: JsonSchema


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are read of every request, also of one that is passed on to a model server as it is."""

    model: ShortText
    messages: list[dict[str, Any]]
    modalities: list[Literal["text", "audio"]] | None = None
    n: Annotated[int, Meta(ge=1, le=1)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    store: bool | None = None


class ChatCompletionRequest(SamplingFields, frozen=True, kw_only=True):
    """A request for an answer to messages; fields that are not listed go to a server of the same API."""

    model: Annotated[ShortText, Meta(description="A route of the gateway, or one of its aliases.")]
    messages: Annotated[ChatMessages, Meta(description="What was said so far, recordings and earlier answers too.")]
    modalities: Annotated[
        list[Literal["text", "audio"]] | None, Meta(description="text alone, or text and audio for a spoken answer.")
    ] = None
    audio: Annotated[AudioOutput | None, Meta(description="How the answer is spoken; required with audio.")] = None
    stream: Annotated[bool | None, Meta(description="Whether the answer comes in chunks as it is written.")] = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=1, description="The number of answers: one.")] | None = None
    max_completion_tokens: Annotated[TokenCount | None, Meta(description="Upper bound of the answer, in tokens.")] = (
        None
    )
    max_tokens: Annotated[TokenCount | None, Meta(description="The older name of max_completion_tokens.")] = None
    reasoning_effort: Annotated[Effort | None, Meta(description="How much the model may think.")] = None
    response_format: Annotated[
        TextFormat | JsonFormat | JsonSchemaFormat | None, Meta(description="The form of the answer's text.")
    ] = None
    tools: Annotated[ChatTools | None, Meta(description="Functions the model may call.")] = None
    tool_choice: Annotated[ChosenToolChoice | None, Meta(description="Whether and which tool is called.")] = None
    parallel_tool_calls: Annotated[bool | None, Meta(description="Whether an answer may hold several calls.")] = None
    logprobs: Annotated[bool | None, Meta(description="Only where a server of the same API gives them.")] = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20, description="As logprobs.")] | None = None
    store: Annotated[bool | None, Meta(description="Without effect: completions are not stored.")] = None


FIELDS = {
    "voice": "audio.voice",
    "json_answer": "response_format",
    "max_output_tokens": "max_completion_tokens",
    "input": "messages",
    "text.format": "response_format",
    "reasoning.effort": "reasoning_effort",
}
"""Fields of the contract, and of servers of the Responses API, that have another name here, in errors."""


class InputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Of the tokens that the model read."""

    cached_tokens: int
    audio_tokens: int = 0


class OutputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Of the tokens that the model wrote; the audio is none of them, another engine speaks."""

    reasoning_tokens: int
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of the language model."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: InputTokens
    completion_tokens_details: OutputTokens


class CalledFunction(msgspec.Struct, frozen=True, kw_only=True):
    """A function and its arguments, a JSON text; in chunks the name comes once and the arguments in pieces."""

    name: str | UnsetType = UNSET
    arguments: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call in a whole answer; ``invalid``, which OpenAI's lacks, says why it cannot be made so."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction
    invalid: str | UnsetType = UNSET


class Audio(msgspec.Struct, frozen=True, kw_only=True):
    """The spoken answer: ``data`` is base64; until ``expires_at`` (Unix time) later messages can name its ``id``."""

    id: str
    expires_at: int
    data: str
    transcript: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The answer or its ``refusal``, spoken with a transcript; ``reasoning_content`` is what the model thought."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    annotations: list[Any] = []
    reasoning_content: str | UnsetType = UNSET
    audio: Audio | UnsetType = UNSET
    tool_calls: list[ToolCall] | UnsetType = UNSET


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The one answer."""

    index: int = 0
    message: Message
    logprobs: None = None
    finish_reason: FinishReason


class ChatCompletion(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer; ``usage`` is null when the model's server does not say."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None
    system_fingerprint: None = None


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the call ``index``; ``id`` and ``type`` come once, ``invalid`` last if it cannot be made."""

    index: int
    id: str | UnsetType = UNSET
    type: Literal["function"] | UnsetType = UNSET
    function: CalledFunction | UnsetType = UNSET
    invalid: str | UnsetType = UNSET


class AudioDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the spoken answer; ``id`` comes once and first, ``expires_at`` once and last."""

    id: str | UnsetType = UNSET
    transcript: str | UnsetType = UNSET
    data: str | UnsetType = UNSET
    expires_at: int | UnsetType = UNSET


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What a chunk adds to the answer."""

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[ToolCallDelta] | UnsetType = UNSET
    audio: AudioDelta | UnsetType = UNSET


class ChunkChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The one answer, a piece of it."""

    index: int = 0
    delta: Delta
    logprobs: None = None
    finish_reason: FinishReason | None = None


class ChatCompletionChunk(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a streamed answer; ``usage`` is there only when it was asked for, null but in the last chunk."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | UnsetType | None = UNSET
    system_fingerprint: None = None
