"""Every provider's stream, in the shape that its documents show, gives the same kind of answer.

The streams are in ``tests/fixtures/providers``; its README names where each shape is described.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.checks import check_any_split, llm_grammar
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, Overloaded, Unavailable
from adapters.llm.chat_completions.events import ChatCompletionReader
from adapters.llm.decoding.start_state import StartState
from adapters.llm.responses.events import ResponsesReader
from adapters.upstream import UpstreamClient, UpstreamOptions
from adapters.upstream.error_table import ServerFailure
from adapters.upstream.sse import SseParser

STREAMS = Path(__file__).parents[2] / "fixtures" / "providers"
ERRORS = UpstreamClient("x", UpstreamOptions(responses_api_base_url="http://localhost:1/v1")).errors


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer comes to; calls are the cities whose weather is asked for."""

    text: str = "It is 21 °C in Zürich."
    reasoning: str = ""
    calls: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    reason: llm.FinishReason = "stop"
    usage: tuple[int, int, int, int] = (30, 22, 0, 0)  # read, written, of them cached, of them for reasoning
    kept: tuple[str, ...] = ()  # what is kept for the provider


THOUGHT = "The user asks for the weather."
REFUSAL = "I'm sorry, I can't help with that."
TWO = ("Zürich", "Bern")

ANSWERS = {
    "openai-chat": Expected(usage=(1200, 9, 1024, 0)),
    "openai-chat-tools": Expected(
        text="", calls=TWO, ids=("call_zurich", "call_bern"), reason="tool_calls", usage=(80, 34, 0, 0)
    ),
    "openai-chat-refusal": Expected(text=REFUSAL, usage=(20, 9, 0, 0)),
    "openai-chat-filtered": Expected(text="It was", reason="content_filter", usage=(20, 2, 0, 0)),
    "openai-responses": Expected(reasoning="**Looking** it up.", usage=(1200, 73, 1024, 64), kept=("items",)),
    "openai-responses-tools": Expected(
        text="", calls=TWO, ids=("call_zurich", "call_bern"), reason="tool_calls", usage=(80, 34, 0, 0)
    ),
    "openai-responses-incomplete": Expected(text="It is 21", reason="length", usage=(20, 16, 0, 0)),
    "openai-responses-refusal": Expected(text=REFUSAL, usage=(20, 9, 0, 0)),
    "hf-together": Expected(reasoning=THOUGHT, usage=(30, 22, 16, 0)),
    "hf-cerebras": Expected(reasoning=THOUGHT, usage=(30, 22, 16, 9)),
    "hf-cerebras-tools": Expected(
        text="", calls=("Zürich",), ids=("a1b2c3d4e",), reason="tool_calls", usage=(80, 17, 0, 0)
    ),
    "openrouter": Expected(reasoning=THOUGHT, usage=(30, 22, 16, 9), kept=("message",)),
    "openrouter-tools": Expected(
        text="",
        calls=("Zürich",),
        ids=("tool_0_get_weather",),
        reason="tool_calls",
        usage=(80, 17, 0, 0),
        kept=("message",),
    ),
    "vllm-chat": Expected(reasoning=THOUGHT, usage=(30, 22, 16, 0)),
    "vllm-chat-before-0.12": Expected(reasoning=THOUGHT, usage=(30, 22, 16, 0)),
    "vllm-chat-without-parser": Expected(reasoning=f"{THOUGHT}\n"),
    "vllm-chat-tools": Expected(
        text="",
        calls=TWO,
        ids=("chatcmpl-tool-0000000000000001", "chatcmpl-tool-0000000000000002"),
        reason="tool_calls",
        usage=(80, 40, 0, 0),
    ),
    "vllm-responses": Expected(reasoning=THOUGHT, usage=(30, 22, 16, 9)),
    "vllm-responses-tools": Expected(
        text="", calls=("Zürich",), ids=("call_00000001",), reason="tool_calls", usage=(80, 17, 0, 0)
    ),
    "llama-cpp": Expected(reasoning=THOUGHT),
    "llama-cpp-tools": Expected(
        text="", calls=("Zürich",), ids=("aB3dE5fG7hJ9",), reason="tool_calls", usage=(80, 17, 0, 0)
    ),
    "ollama": Expected(reasoning=THOUGHT),
    "ollama-tools": Expected(
        text="", calls=("Zürich",), ids=("call_lbcjwr0u",), reason="tool_calls", usage=(80, 17, 0, 0)
    ),
    "groq": Expected(reasoning=THOUGHT, usage=(30, 22, 16, 9)),
    "deepseek": Expected(reasoning=THOUGHT, usage=(30, 22, 16, 9)),
    "gemini-tools": Expected(
        text="",
        calls=TWO,
        ids=("function-call-1", "function-call-2"),
        reason="tool_calls",
        usage=(80, 34, 0, 0),
        kept=("calls",),
    ),
    "mistral": Expected(reasoning=THOUGHT),
}

FAILURES: dict[str, type[AdapterError]] = {
    "openai-chat-error": ServerFailure,
    "openai-responses-error": ServerFailure,
    "openai-responses-failed": Overloaded,
    "openrouter-error": Overloaded,
    "vllm-chat-error": ServerFailure,
    "deepseek-interrupted": Unavailable,
}


def events(name: str, pieces: Iterable[bytes]) -> list[Any]:
    """The contract's events of a stream cut into ``pieces``."""
    kind = ResponsesReader if "responses" in name else ChatCompletionReader
    answer = kind(ERRORS, route="here", start=StartState(inside="without-parser" in name))
    parser = SseParser(1 << 20)
    received = [event.data for piece in pieces for event in parser.feed(piece)] + [e.data for e in parser.close()]
    found = [event for data in received if data != b"[DONE]" for event in answer.feed(data)]
    return [*found, *answer.finish()]


def test_every_stream_is_expected_to_be_something() -> None:
    assert {path.stem for path in STREAMS.glob("*.sse")} == {*ANSWERS, *FAILURES}
    described = (STREAMS / "README.md").read_text()
    assert [name for name in (*ANSWERS, *FAILURES) if f"`{name}`" not in described] == []


@pytest.mark.parametrize("name", ANSWERS)
def test_a_providers_stream_is_the_answer(name: str) -> None:
    expected = ANSWERS[name]
    found = events(name, [(STREAMS / f"{name}.sse").read_bytes()])
    llm_grammar([Started(), *found])
    calls = [event for event in found if isinstance(event, llm.ToolCallFinished)]
    finished = found[-1]
    read, written, cached, reasoning = expected.usage
    assert "".join(event.text for event in found if isinstance(event, llm.TextDelta)) == expected.text
    assert "".join(event.text for event in found if isinstance(event, llm.ReasoningDelta)) == expected.reasoning
    assert tuple(call.call_id for call in calls) == expected.ids
    assert [(call.name, msgspec.json.decode(call.arguments)) for call in calls] == [
        ("get_weather", {"city": city}) for city in expected.calls
    ]
    assert finished.reason == expected.reason
    assert finished.usage == llm.Usage(
        input_tokens=read, output_tokens=written, cached_tokens=cached, reasoning_tokens=reasoning
    )
    assert tuple(name for kept in finished.extra.get("opaque", ()) for name in kept.data) == expected.kept


@pytest.mark.parametrize("name", FAILURES)
def test_a_providers_failure_in_the_middle_is_that_failure(name: str) -> None:
    with pytest.raises(AdapterError) as caught:
        events(name, [(STREAMS / f"{name}.sse").read_bytes()])
    assert type(caught.value) is FAILURES[name]


@pytest.mark.parametrize("name", ANSWERS)
def test_a_providers_stream_may_be_cut_anywhere(name: str) -> None:
    check_any_split(lambda pieces: events(name, pieces), (STREAMS / f"{name}.sse").read_bytes())
