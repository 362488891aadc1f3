from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import AdapterError, Overloaded, Unavailable, UpstreamError
from adapters.llm.chat_completions.events import ChatCompletionReader
from adapters.llm.decoding.start_state import StartState
from tests.support.chat_chunks import ERRORS, USAGE, delta, read, tool


def test_text_with_a_role_only_delta_nulls_and_a_last_chunk_of_usage() -> None:
    assert read(
        delta(role="assistant", content="", refusal=None, tool_calls=None),
        {"choices": None, "usage": None},
        {"choices": []},
        delta(content="Hel", logprobs={"x": 1}),
        delta(content=None),
        {"choices": [{"delta": None}]},
        delta(content="lo"),
        delta("stop"),
        {
            "choices": [],
            "usage": USAGE
            | {"prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 2}},
        },
    ) == [
        llm.TextDelta(text="Hel"),
        llm.TextDelta(text="lo"),
        llm.Finished(
            reason="stop", usage=llm.Usage(input_tokens=3, output_tokens=2, cached_tokens=1, reasoning_tokens=2)
        ),
    ]


def test_usage_that_is_full_of_nulls_and_usage_that_is_not_there() -> None:
    nulls = {"prompt_tokens": None, "prompt_tokens_details": {"cached_tokens": None}, "completion_tokens_details": None}
    usage = llm.Usage(input_tokens=0, output_tokens=0)
    assert read(delta("stop", content="x"), {"usage": nulls})[-1] == llm.Finished(reason="stop", usage=usage)
    assert read(delta("stop", content="x"))[-1] == llm.Finished(reason="stop", usage=None)


def test_usage_where_groq_and_deepseek_report_it() -> None:
    cached = USAGE | {"prompt_cache_hit_tokens": 2}
    found = read(delta("stop", content="x") | {"x_groq": {"id": "r", "usage": cached}})
    assert found[-1].usage == llm.Usage(input_tokens=3, output_tokens=2, cached_tokens=2)
    assert read(delta("stop", content="x") | {"x_groq": {"id": "r"}})[-1].usage is None


def test_content_in_parts_is_thinking_and_text() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    assert read(delta(content=[thinking, {"type": "text", "text": "so"}]), delta("stop"))[:-1] == [
        llm.ReasoningDelta(text="hm"),
        llm.TextDelta(text="so"),
    ]


def test_thinking_in_the_text_is_reasoning_and_special_tokens_are_nothing() -> None:
    pieces = ("<thi", "nk>hm</th", "ink>\n\nhello<|im", "_end|>")
    assert read(*(delta(content=piece) for piece in pieces), delta("stop"))[:-1] == [
        llm.ReasoningDelta(text="hm"),
        llm.TextDelta(text="hello"),
    ]


def test_a_whole_answer_that_began_inside_its_thinking_is_recognised_without_knowing_the_model() -> None:
    message = {"content": "hm</think>\n\nhello"}
    assert read({"choices": [{"message": message, "finish_reason": "stop"}]})[:-1] == [
        llm.ReasoningDelta(text="hm"),
        llm.TextDelta(text="hello"),
    ]


def test_reasoning_that_is_reported_apart_ends_the_doubt_about_the_text() -> None:
    events = ChatCompletionReader(ERRORS, start=StartState(inside=True))
    chunks = (delta(reasoning_content="hm"), delta(content="hello"))
    assert [made for chunk in chunks for made in events.feed(msgspec.json.encode(chunk))] == [
        llm.ReasoningDelta(text="hm"),
        llm.TextDelta(text="hello"),
    ]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_in_either_field(field: str) -> None:
    assert read(delta(**{field: "hm"}), delta("stop"))[0] == llm.ReasoningDelta(text="hm")


def test_reasoning_in_both_fields_is_said_once() -> None:
    assert len(read(delta(reasoning_content="hm", reasoning="hm"), delta("stop"))) == 2


def test_a_refusal_is_text() -> None:
    assert read(delta(refusal="I cannot"), delta("stop"))[0] == llm.TextDelta(text="I cannot")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("eos", "stop"),
        ("model_length", "length"),
        ("tool_calls", "stop"),
    ],
)
def test_finish_reasons(given: str, expected: str) -> None:
    assert read(delta(content="x"), delta(given))[-1].reason == expected


@pytest.mark.parametrize("given", ["stop", "tool_calls", "function_call"])
def test_an_answer_with_calls_ends_in_tool_calls_whatever_the_server_says(given: str) -> None:
    assert read(tool(0, "a", "f", "{}"), delta(given))[-1].reason == "tool_calls"


def test_an_answer_cut_in_a_call_says_length() -> None:
    assert read(tool(0, "a", "f", '{"x'), delta("length"))[-1].reason == "length"


def test_a_whole_answer_gives_the_same_events() -> None:
    message = {
        "role": "assistant",
        "reasoning_content": "hm",
        "content": "wait",
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    assert read({"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": USAGE}) == [
        llm.ReasoningDelta(text="hm"),
        llm.TextDelta(text="wait"),
        llm.ToolCallStarted(call_id="a", name="f"),
        llm.ToolCallDelta(call_id="a", arguments="{}"),
        llm.ToolCallFinished(call_id="a", name="f", arguments="{}"),
        llm.Finished(reason="tool_calls", usage=llm.Usage(input_tokens=3, output_tokens=2)),
    ]


@pytest.mark.parametrize(
    ("chunks", "kind"),
    [
        ([delta(content="x"), {"error": {"message": "slow", "code": "rate_limit_exceeded"}}], Overloaded),
        ([{"object": "error", "message": "slow", "code": 429}], Overloaded),
        ([{"error": "boom"}], UpstreamError),
        ([delta("error", content="x")], UpstreamError),
        ([delta("abort", content="x")], UpstreamError),
        ([delta("insufficient_system_resource", content="x")], Unavailable),
        ([{"choices": [{"error": {"code": 429, "message": "slow"}, "delta": {}}]}], Overloaded),
        ([], UpstreamError),
        ([delta(content="x")], UpstreamError),
        ([tool(0, "a", None, "{}"), delta("tool_calls")], UpstreamError),
        (["text"], UpstreamError),
        ([delta(content=5)], UpstreamError),
    ],
)
def test_what_is_not_a_complete_answer_is_an_error(chunks: list[Any], kind: type[AdapterError]) -> None:
    with pytest.raises(AdapterError) as caught:
        read(*chunks)
    assert type(caught.value) is kind
    assert caught.value.adapter == "chat-completions"


def test_null_errors_are_none() -> None:
    assert len(read({"error": None, **delta("stop", content="x")})) == 2


def test_bytes_that_are_no_json_are_an_error() -> None:
    events = ChatCompletionReader(ERRORS)
    with pytest.raises(UpstreamError):
        list(events.feed(b'{"choices": [{"del'))
