"""Reads the tokens of one answer from a generation thread as the contract's events, for backends in this process."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.llm.decoding.output_decoder import Writing
from adapters.llm.prompting.generation_settings import Generation
from adapters.llm.prompting.tokenizer import ChatTokenizer


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """The next token of an answer; ``cached`` tokens of its prompt did not have to be computed."""

    id: int
    cached: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to be written: ``prompt`` and ``begun``, what the answer is made to begin with, as ``tokens``."""

    prompt: str
    begun: str
    tokens: list[int]
    generation: Generation


async def events(
    request: llm.Request, asked: Asked, tokenizer: ChatTokenizer, tokens: AsyncGenerator[Token, None]
) -> AsyncGenerator[llm.Event, None]:
    """The answer to ``request``, from ``Started`` to ``Finished``; ``tokens`` are closed when it ends or is left."""
    sampling = msgspec.structs.replace(request.sampling, stop=asked.generation.stop)
    writing = Writing(
        msgspec.structs.replace(request, sampling=sampling),
        tokenizer.decode,
        prompt=asked.prompt,
        begun=asked.begun,
        special=tokenizer.special,
    )
    yield Started()
    cached, last = 0, None
    async with aclosing(tokens):
        async for token in tokens:
            cached, last = token.cached, token.id
            for event in writing.tokens((token.id,)):
                yield event
            if writing.stopped:
                break
    reason: Literal["stop", "length"] = "stop" if writing.stopped or last in tokenizer.ends else "length"
    for event in writing.finish(reason, prompt_tokens=len(asked.tokens), cached_tokens=cached):
        yield event
