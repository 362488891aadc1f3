"""The tokens of an answer as a stream of the contract's events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.checks import llm_grammar, read
from adapters.contract.engine import Started
from adapters.llm.decoding.event_stream import Token, events
from adapters.llm.prompting.encoded_prompt import EncodedPrompt
from adapters.llm.prompting.generation_settings import GenerationSettings

END = 0
REQUEST = llm.Request(model="m", messages=(), tools=(llm.Tool(name="f"),))


class ByteTokenizer:
    """Its tokens are bytes; 0 ends an answer."""

    ends = (END,)
    special: frozenset[str] = frozenset()

    def decode(self, tokens: list[int]) -> str:
        return bytes(token for token in tokens if token != END).decode(errors="replace")


class Tokens:
    """The tokens of an answer, and how many were taken."""

    def __init__(self, *ids: int) -> None:
        self.ids = ids
        self.taken = 0
        self.closed = False

    async def stream(self) -> AsyncGenerator[Token, None]:
        try:
            for token in self.ids:
                self.taken += 1
                yield Token(id=token, cached=2)
        finally:
            self.closed = True


def stream(tokens: Tokens, request: llm.Request = REQUEST, *, stop: tuple[str, ...] = ()) -> Any:
    settings = GenerationSettings(stop=stop)
    prompt = EncodedPrompt(text="", forced_start="", tokens=[1, 2, 3], settings=settings)
    return events(request, prompt, ByteTokenizer(), tokens.stream())  # type: ignore[arg-type]


@pytest.mark.parametrize(("ids", "reason"), [((*b"Hi", END), "stop"), (tuple(b"Hi"), "length"), ((), "length")])
async def test_the_last_token_says_why_the_answer_ended(ids: tuple[int, ...], reason: str) -> None:
    found = await read(stream(Tokens(*ids)))
    llm_grammar(found)
    assert "".join(event.text for event in found if isinstance(event, llm.TextDelta)) == ("Hi" if ids else "")
    assert found[-1].reason == reason
    assert (found[-1].usage.input_tokens, found[-1].usage.cached_tokens) == (3, 2 if ids else 0)


async def test_after_a_stop_string_no_token_is_taken() -> None:
    tokens = Tokens(*b"one END two")
    found = await read(stream(tokens, stop=("END",)))
    assert (found[-1].reason, tokens.taken, tokens.closed) == ("stop", len("one END"), True)


async def test_closing_closes_the_tokens() -> None:
    tokens = Tokens(*b"Hello")
    async with aclosing(stream(tokens)) as found:
        assert await anext(found) == Started()
        assert await anext(found) == llm.TextDelta(text="H")
    assert tokens.closed


async def test_tools_are_not_called_when_none_may_be() -> None:
    text = b'<tool_call>{"name": "f"}</tool_call>'
    forbidden = llm.Request(model="m", messages=(), tools=REQUEST.tools, tool_choice="none")
    for request, called in ((REQUEST, True), (forbidden, False)):
        found = await read(stream(Tokens(*text, END), request))
        assert any(isinstance(event, llm.ToolCallFinished) for event in found) is called


async def test_calls_one_at_a_time_cannot_be_promised() -> None:
    asked = llm.Request(model="m", messages=(), tools=REQUEST.tools, parallel_tool_calls=False)
    assert (await read(stream(Tokens(END), asked)))[0] == Started(ignored=("parallel_tool_calls",))
    without_tools = llm.Request(model="m", messages=(), parallel_tool_calls=False)
    assert (await read(stream(Tokens(END), without_tools)))[0] == Started()
