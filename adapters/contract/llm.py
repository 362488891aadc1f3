"""The language model's contract: a conversation in, text, reasoning and tool calls out.

A stream is ``Started`` · (``TextDelta`` | ``ReasoningDelta`` | ``ToolCallStarted`` | ``ToolCallDelta`` |
``ToolCallFinished``)* · ``Finished``. Every tool call is started once; the ``arguments`` of its deltas joined are those
of its ``ToolCallFinished``.
"""

from collections.abc import AsyncGenerator
from typing import Any, Literal, Protocol

import msgspec

from adapters.contract.engine import Engine, Started

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]

LONGEST_CALL_ID = 16_384
"""Characters of a call's id: some servers keep a signature in it."""


class Text(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Text of a message."""

    text: str


class Image(msgspec.Struct, frozen=True, kw_only=True, tag="image"):
    """An image by ``https:`` or ``data:`` URL; ``detail`` is OpenAI's low, high or auto."""

    url: str
    detail: str | None = None


class Audio(msgspec.Struct, frozen=True, kw_only=True, tag="audio"):
    """Recorded audio for models that take audio: an encoded file and its format (wav, mp3)."""

    data: bytes
    format: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call"):
    """A call the model made; ``arguments`` is the JSON text it wrote."""

    call_id: str
    name: str
    arguments: str


class ToolResult(msgspec.Struct, frozen=True, kw_only=True, tag="tool_result"):
    """The tool's answer to the call ``call_id``."""

    call_id: str
    output: str


class Opaque(msgspec.Struct, frozen=True, kw_only=True, tag="opaque"):
    """Data that a provider wants back unchanged; it is sent to the same ``route`` only."""

    route: str
    data: Any


Part = Text | Image | Audio | ToolCall | ToolResult | Opaque


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message: ``role`` is system, developer, user, assistant, tool, or a name from the settings.

    ``reasoning`` is what the assistant thought before it, as a client sent it back; engines need not read it.
    """

    role: str
    parts: tuple[Part, ...]
    reasoning: str | None = None


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function the model may call; ``parameters`` is a JSON Schema object.

    ``strict``: whether arguments have to match the schema exactly; ``None`` leaves it to the server's own default.
    """

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = False


class NamedTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool choice that forces one function."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are drawn; ``None`` leaves a setting to the engine."""

    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model may reason: ``effort`` as the provider names it; ``disabled`` asks for none if supported.

    ``shown``: somebody reads the answer, so that text of which it is not known yet whether it is reasoning need not be
    held back, as it must be where it would be spoken.
    """

    effort: str | None = None
    disabled: bool = False
    shown: bool = False


class JsonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer has to be a JSON object; with ``schema`` (JSON Schema) one that matches it, exactly if ``strict``."""

    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request for one answer; ``extra`` is for the adapter alone, the pipeline never reads it.

    ``json_answer`` is set only for a model whose ``Info.json_answers`` says that it takes it. ``parallel_tool_calls``
    says whether one answer may hold several calls; ``None`` leaves it to the engine.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    json_answer: JsonAnswer | None = None
    max_output_tokens: int | None = None
    sampling: Sampling = Sampling()
    reasoning: Reasoning = Reasoning()
    extra: dict[str, Any] = {}


class TextDelta(msgspec.Struct, frozen=True, kw_only=True, tag="text_delta"):
    """The next piece of the answer; never empty. With ``refusal`` it says that, or why, the model does not answer."""

    text: str
    refusal: bool = False


class ReasoningDelta(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning_delta"):
    """The next piece of the model's reasoning: never spoken, never part of the answer."""

    text: str


class ToolCallStarted(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call_started"):
    """The model begins a tool call."""

    call_id: str
    name: str


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call_delta"):
    """The next piece of a call's arguments."""

    call_id: str
    arguments: str


class ToolCallFinished(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call_finished"):
    """A call is complete; ``arguments`` is the whole JSON text.

    ``invalid`` says in one sentence why the call cannot be made: the arguments are not a JSON object or do not match
    the tool's schema, or the request has no such tool.
    """

    call_id: str
    name: str
    arguments: str
    invalid: str | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one answer; cached tokens are part of the input, reasoning tokens part of the output."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """The answer is complete; ``usage`` is ``None`` only when the upstream does not report it.

    ``extra["opaque"]``, a tuple of ``Opaque``, holds parts to keep in the assistant's message for the same route.
    """

    reason: FinishReason
    usage: Usage | None
    extra: dict[str, Any] = {}


Event = Started | TextDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta | ToolCallFinished | Finished


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What a language model takes; ``max_parallel`` streams at once (``None``: no limit).

    ``context_tokens``: how many tokens prompt and answer may have together, if known.
    """

    images: bool = False
    audio: bool = False
    tools: bool = False
    json_answers: bool = False
    max_parallel: int | None = None
    context_tokens: int | None = None


class LanguageModel(Engine, Protocol):
    """A language model behind the contract."""

    @property
    def info(self) -> Info:
        """What it takes."""

    def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Write one answer. Raises ``AdapterError`` while iterated."""
