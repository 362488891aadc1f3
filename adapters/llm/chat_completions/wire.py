"""The chunks of a chat completion as servers send them; only the fields that are read."""

from typing import Any

import msgspec

from adapters.contract import llm
from adapters.upstream import LenientDecoder, token_count


class Function(msgspec.Struct, gc=False):
    """The called function."""

    name: str | None = None
    arguments: Any = None  # JSON text, or the object itself from some servers


class ToolCallPiece(msgspec.Struct, gc=False):
    """A piece of a tool call; one of the pieces may hold a signature of the provider."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    extra_content: Any = None  # Gemini
    thought_signature: Any = None


class Delta(msgspec.Struct, gc=False):
    """What a chunk adds to the message."""

    content: Any = None  # text, or parts with text or thinking (Mistral)
    refusal: Any = None
    reasoning_content: Any = None  # DeepSeek, llama.cpp, vLLM
    reasoning: Any = None  # OpenRouter, Groq, Cerebras, Together, Ollama, vLLM
    reasoning_details: list[dict[str, Any]] | None = None  # OpenRouter
    tool_calls: list[ToolCallPiece] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it adds nothing."""
        return not (
            self.content
            or self.refusal
            or self.reasoning_content
            or self.reasoning
            or self.reasoning_details
            or self.tool_calls
        )


class Choice(msgspec.Struct, gc=False):
    """The one answer that was asked for."""

    delta: Delta | None = None
    message: Delta | None = None  # in place of a delta when the answer is not streamed
    finish_reason: str | None = None
    error: Any = None


class InputDetails(msgspec.Struct, gc=False):
    """Details of the input tokens."""

    cached_tokens: int | None = None


class OutputDetails(msgspec.Struct, gc=False):
    """Details of the output tokens."""

    reasoning_tokens: int | None = None


class Usage(msgspec.Struct, gc=False):
    """Token counts of one answer."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek
    cached_tokens: int | None = None  # Together, Moonshot

    def counted(self) -> llm.Usage:
        """The usage in the contract's type."""
        details, output = self.prompt_tokens_details, self.completion_tokens_details
        cached = (details.cached_tokens if details else None) or self.prompt_cache_hit_tokens or self.cached_tokens
        return llm.Usage(
            input_tokens=token_count(self.prompt_tokens),
            output_tokens=token_count(self.completion_tokens),
            cached_tokens=token_count(cached),
            reasoning_tokens=token_count(output.reasoning_tokens if output else None),
        )


class Groq(msgspec.Struct, gc=False):
    """Where Groq reports the usage of a stream."""

    usage: Usage | None = None


class Chunk(msgspec.Struct, gc=False):
    """One event of the stream, or an answer that was not streamed."""

    id: str | None = None
    choices: list[Choice] | None = None
    usage: Usage | None = None
    x_groq: Groq | None = None
    error: Any = None
    object: str | None = None


decode = LenientDecoder(Chunk).decode
