"""Turns the generated tokens of one answer into a stream of the contract's events, for engines in this process."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.llm.decoding.output_decoder import OutputDecoder
from adapters.llm.prompting import chat_template
from adapters.llm.prompting.encoded_prompt import EncodedPrompt
from adapters.llm.prompting.tokenizer import ChatTokenizer


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """The next token of an answer; ``cached`` tokens of its prompt were not computed again."""

    id: int
    cached: int


async def events(
    request: llm.Request, prompt: EncodedPrompt, tokenizer: ChatTokenizer, tokens: AsyncGenerator[Token, None]
) -> AsyncGenerator[llm.Event, None]:
    """The answer to ``request``, from ``Started`` to ``Finished``; ``tokens`` is closed at its end, or when closed."""
    decoder = OutputDecoder(prompt, chat_template.callable_tools(request), tokenizer.decode, tokenizer.special)
    one_by_one = bool(request.tools) and request.parallel_tool_calls is False  # nothing stops a model after a call
    yield Started(ignored=("parallel_tool_calls",) if one_by_one else ())
    cached, last = 0, None
    async with aclosing(tokens):
        async for token in tokens:
            cached, last = token.cached, token.id
            for event in decoder.tokens((token.id,)):
                yield event
            if decoder.stopped:
                break
    reason: Literal["stop", "length"] = "stop" if decoder.stopped or last in tokenizer.ends else "length"
    for event in decoder.finish(reason, cached_tokens=cached):
        yield event
