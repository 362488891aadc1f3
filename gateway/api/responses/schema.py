"""Wire types of the Responses API: its request and the response object."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gateway.wire.answer_form import JsonFormat, JsonSchema, TextFormat
from gateway.wire.conversation import ConversationId, ConversationName
from gateway.wire.field_types import GivenId, RouteName, ShortText
from gateway.wire.items import MOST_ITEMS, FunctionCallItem, InputItems, MessageItem, ReasoningItem
from gateway.wire.messages import ShownText
from gateway.wire.metadata import Metadata
from gateway.wire.sampling import Effort
from gateway.wire.tools import ChatTools, ChosenToolChoice, SubsetMode, ToolWord


class JsonSchemaFormat(JsonSchema, frozen=True, kw_only=True, tag_field="type", tag="json_schema"):
    """An answer that is a JSON object of a schema."""

    schema: dict[str, Any]


class TextConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The form of the answer's text."""

    format: TextFormat | JsonFormat | JsonSchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model may think; with ``summary`` its reasoning comes as summary parts, else as it is."""

    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class StreamOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Of an event stream."""

    include_obfuscation: bool | None = None


class ResponsesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request for a response."""

    input: Annotated[
        ShownText | InputItems | None, Meta(description="What is to be answered: a text, or items of a conversation.")
    ] = None
    model: RouteName = None
    instructions: Annotated[
        Annotated[str, Meta(max_length=256_000)] | None, Meta(description="A system message for this response only.")
    ] = None
    stream: Annotated[bool | None, Meta(description="Whether the answer comes as events while it is written.")] = None
    stream_options: StreamOptions | None = None
    store: Annotated[bool | None, Meta(description="Whether the response is kept for a time; true when left out.")] = (
        None
    )
    previous_response_id: Annotated[GivenId | None, Meta(description="The response that this one follows.")] = None
    conversation: Annotated[
        ConversationName | ConversationId | None, Meta(description="The conversation that this response belongs to.")
    ] = None
    tools: Annotated[ChatTools | None, Meta(description="Functions the model may call.")] = None
    tool_choice: Annotated[ChosenToolChoice | None, Meta(description="Whether and which tool is called.")] = None
    parallel_tool_calls: Annotated[bool | None, Meta(description="Whether it may call several at once.")] = None
    max_tool_calls: Annotated[int, Meta(ge=1)] | None = None
    max_output_tokens: (
        Annotated[int, Meta(ge=16, le=10_000_000, description="Upper bound of the answer, in tokens.")] | None
    ) = None
    temperature: Annotated[float, Meta(ge=0.0, le=2.0, description="Sampling temperature.")] | None = None
    top_p: Annotated[float, Meta(ge=0.0, le=1.0, description="Nucleus sampling.")] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    reasoning: ReasoningConfig | None = None
    text: TextConfig | None = None
    truncation: Literal["auto", "disabled"] | None = None
    include: Annotated[list[ShortText], Meta(max_length=64)] | None = None
    metadata: Metadata | None = None
    background: bool | None = None
    prompt: dict[str, Any] | None = None
    service_tier: ShortText | None = None
    user: ShortText | None = None
    safety_identifier: ShortText | None = None
    prompt_cache_key: Annotated[str, Meta(max_length=1024)] | None = None


class PassedFields(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway has to know of a request that it passes on; everything else is for the server to judge."""

    input: ShownText | Annotated[list[dict[str, Any]], Meta(max_length=MOST_ITEMS)] | None = None
    model: ShortText | None = None
    stream: bool | None = None
    store: bool | None = None
    previous_response_id: GivenId | None = None
    conversation: ConversationName | ConversationId | None = None
    background: bool | None = None
    reasoning: dict[str, Any] | None = None
    include: list[str] | None = None
    prompt: dict[str, Any] | None = None


FIELDS = {
    "messages": "input",
    "json_answer": "text.format",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
}
"""Fields of the contract, and of servers of the Chat Completions API, that have another name here, in errors."""

OutputItem = MessageItem | FunctionCallItem | ReasoningItem
ResponseStatus = Literal["in_progress", "completed", "incomplete", "failed", "cancelled"]


class InputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Of the input tokens, those that were read from a cache."""

    cached_tokens: int
    cache_write_tokens: int = 0


class OutputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Of the output tokens, those of the reasoning."""

    reasoning_tokens: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one response."""

    input_tokens: int
    input_tokens_details: InputTokens
    output_tokens: int
    output_tokens_details: OutputTokens
    total_tokens: int


class ResponseError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a response failed."""

    code: str
    message: str


class IncompleteDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why a response ended early."""

    reason: Literal["max_output_tokens", "content_filter"]


class Function(msgspec.Struct, frozen=True, kw_only=True, tag="function"):
    """A tool of the request."""

    name: str
    description: str | None
    parameters: dict[str, Any] | None
    strict: bool | None


class ChosenFunction(msgspec.Struct, frozen=True, kw_only=True, tag="function"):
    """The function that had to be called."""

    name: str


class AllowedFunctions(msgspec.Struct, frozen=True, kw_only=True, tag="allowed_tools"):
    """The functions among which the model could choose, and whether it had to call one."""

    mode: SubsetMode
    tools: tuple[ChosenFunction, ...]


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A response: what was asked for, and what came of it."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: ResponseStatus = "in_progress"
    completed_at: int | None = None
    background: bool = False
    error: ResponseError | None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    model: str
    output: tuple[OutputItem, ...] = ()
    parallel_tool_calls: bool = True
    previous_response_id: str | None = None
    conversation: ConversationId | None = None
    prompt_cache_key: str | None = None
    reasoning: ReasoningConfig = ReasoningConfig()
    safety_identifier: str | None = None
    service_tier: str = "default"
    store: bool = True
    temperature: float = 1.0
    text: TextConfig = TextConfig(format=TextFormat())
    tool_choice: ToolWord | ChosenFunction | AllowedFunctions = "auto"
    tools: tuple[Function, ...] = ()
    top_logprobs: int = 0
    top_p: float = 1.0
    truncation: Literal["auto", "disabled"] = "disabled"
    usage: Usage | None = None
    user: str | None = None
    metadata: dict[str, str] = {}


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """A response that is no longer kept."""

    id: str
    object: Literal["response"] = "response"
    deleted: bool = True
