from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import AdapterError, Overloaded, TooLong, Unavailable, UpstreamError
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


@pytest.mark.parametrize("fields", [{"refusal": "I cannot"}, {"content": [{"type": "refusal", "refusal": "I cannot"}]}])
def test_a_refusal_is_text_that_says_so(fields: dict[str, Any]) -> None:
    for chunk in (delta(**fields), {"choices": [{"message": fields}]}):
        assert read(chunk, delta("stop"))[0] == llm.TextDelta(text="I cannot", refusal=True)


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


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("so", "so"),
        (["so"], "so"),
        ([["so"]], "so"),
        ({"type": "text", "text": "so"}, "so"),
        ([{"type": "text", "text": {"value": "so"}}], "so"),
        ([{"type": "output_text", "content": "so"}], "so"),
        ([{"type": "refusal", "refusal": "so"}], "so"),
        ([THINKING, "s", {"text": "o"}], "so"),
        ([None, {"type": "image_url", "image_url": {"url": "x"}}, "so", True], "so"),
        (5, "5"),
        (0.5, "0.5"),
        (True, ""),
        ({}, ""),
        ([{"text": {"text": {"text": {"text": "too deep"}}}}], ""),
    ],
)
def test_content_in_every_form(content: Any, said: str) -> None:
    for chunk in (delta(content=content), {"choices": [{"message": {"content": content}}]}):
        found = read(chunk, delta("stop"))
        assert "".join(event.text for event in found if isinstance(event, llm.TextDelta)) == said


@pytest.mark.parametrize("reasoning", ["hm", ["hm"], {"text": "hm"}, [{"type": "text", "text": "hm"}]])
def test_reasoning_in_every_form(reasoning: Any) -> None:
    assert read(delta(reasoning=reasoning), delta("stop"))[:-1] == [llm.ReasoningDelta(text="hm")]


@pytest.mark.parametrize("details", ["hm", {"type": "x"}, [5], [{"type": ["x"], "text": {}}], [{"text": 5}], 5, [[]]])
def test_reasoning_details_of_another_type_do_no_harm(details: Any) -> None:
    chunks = delta(reasoning_details=details), delta(content="so", reasoning_details=details), delta("stop")
    assert read(*chunks)[0] == llm.TextDelta(text="so")


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 3.0, "completion_tokens": 2.9},
        {"prompt_tokens": "3", "completion_tokens": "2"},
        {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": [], "completion_tokens_details": "x"},
        {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": -1}},
        {"prompt_tokens": 3, "completion_tokens": 2, "cached_tokens": 10**30},
    ],
)
def test_usage_of_other_types_is_counted(usage: Any) -> None:
    found = read(delta("stop", content="x"), {"usage": usage})
    assert found[-1].usage == llm.Usage(input_tokens=3, output_tokens=2)


@pytest.mark.parametrize("usage", ["many", [], 5, {"prompt_tokens": "many", "completion_tokens": -5}, True])
def test_usage_that_says_nothing(usage: Any) -> None:
    assert read(delta("stop", content="x", usage=usage), {"choices": "none", "usage": usage})[-1].usage in (
        None,
        llm.Usage(input_tokens=0, output_tokens=0),
    )


def test_choices_of_other_types() -> None:
    assert read({"choices": [None, {"delta": {"content": "x"}}]}, {"choices": delta("stop")["choices"][0]})[:-1] == [
        llm.TextDelta(text="x")
    ]


@pytest.mark.parametrize("given", ["", "null", "None", None, {}, []])
def test_finish_reasons_that_are_none(given: Any) -> None:
    reader = ChatCompletionReader(ERRORS)
    chunk = {"choices": [{"delta": {"content": "x"}, "finish_reason": given}]}
    assert list(reader.feed(msgspec.json.encode(chunk)))
    assert not reader.done


@pytest.mark.parametrize(
    ("given", "expected"), [("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), (5, "stop")]
)
def test_finish_reasons_in_other_letters(given: Any, expected: str) -> None:
    assert read(delta(content="x"), {"choices": [{"delta": {}, "finish_reason": given}]})[-1].reason == expected


@pytest.mark.parametrize(
    "data", [b'{"choices": [{"delta": {"content": "caf\xe9"}}]}', rb'{"choices":[{"delta":{"content":"caf\ud83d"}}]}']
)
def test_text_that_is_not_unicode_is_repaired(data: bytes) -> None:
    assert list(ChatCompletionReader(ERRORS).feed(data)) == [llm.TextDelta(text="caf\ufffd")]


def test_a_chunk_nested_too_deeply_is_an_error() -> None:
    for field in (b"delta", b"unknown"):
        data = b'{"choices": [{"%b": ' % field + b"[" * 20_000 + b"]" * 20_000 + b"}]}"
        with pytest.raises(UpstreamError):
            list(ChatCompletionReader(ERRORS).feed(data))


def test_a_message_after_the_deltas_is_not_said_again() -> None:
    last = {"choices": [{"delta": {}, "message": {"content": "so"}, "finish_reason": "stop"}]}
    assert read(delta(content="so"), last)[:-1] == [llm.TextDelta(text="so")]
    assert read(delta(role="assistant"), last)[:-1] == [llm.TextDelta(text="so")]


def finished(reader: ChatCompletionReader, *, marked: bool = False) -> llm.Event:
    *_, last = reader.finish(marked=marked)
    return last


def test_done_completes_an_answer_without_a_finish_reason() -> None:
    reader = ChatCompletionReader(ERRORS)
    list(reader.feed(msgspec.json.encode(delta(content="x"))))
    assert finished(reader, marked=True) == llm.Finished(reason="stop", usage=None)


@pytest.mark.parametrize("reason", [None, "", "null"])
def test_a_whole_answer_without_a_finish_reason_is_finished(reason: str | None) -> None:
    reader = ChatCompletionReader(ERRORS)
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": reason}]}
    assert list(reader.whole(msgspec.json.encode(body))) == [llm.TextDelta(text="x")]
    assert finished(reader) == llm.Finished(reason="stop", usage=None)


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": None}, {"id": "x"}, [], "x", None])
def test_a_whole_answer_without_choices_is_an_error(body: Any) -> None:
    with pytest.raises(UpstreamError):
        list(ChatCompletionReader(ERRORS).whole(msgspec.json.encode(body)))


def test_an_event_named_error_is_an_error() -> None:
    with pytest.raises(TooLong):
        list(ChatCompletionReader(ERRORS).feed(b'{"message": "prompt is too long"}', "error"))


WRITTEN = {
    "hermes": '<tool_call>{"name": "f", "arguments": {"x": 1}}</tool_call>',
    "mistral": '[TOOL_CALLS][{"name": "f", "arguments": {"x": 1}}]',
    "llama": '<|python_tag|>{"name": "f", "parameters": {"x": 1}}',
    "bare": '{"name": "f", "arguments": {"x": 1}}',
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("whole", [True, False])
def test_a_call_in_the_text_is_a_call_when_tools_were_given(text: str, whole: bool) -> None:
    message = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
    chunks = [message] if whole else [*(delta(content=character) for character in text), delta("stop")]
    found = read(*chunks, tools=(llm.Tool(name="f"),))
    [call] = [event for event in found if isinstance(event, llm.ToolCallFinished)]
    assert (call.name, msgspec.json.decode(call.arguments), call.invalid) == ("f", {"x": 1}, None)
    assert not [event for event in found if isinstance(event, llm.TextDelta)]
    assert found[-1].reason == "tool_calls"
    if text.startswith("{"):
        assert read(*chunks)[0].text.startswith("{")  # without tools it is text


def test_text_and_calls_in_fields_beside_tools() -> None:
    chunks = delta(reasoning_content="hm"), delta(content=" so"), tool(0, "a", "f", "{}"), delta("stop")
    found = read(*chunks, tools=(llm.Tool(name="f"),))
    assert [type(event).__name__ for event in found] == [
        "ReasoningDelta",
        "TextDelta",
        "ToolCallStarted",
        "ToolCallDelta",
        "ToolCallFinished",
        "Finished",
    ]


@pytest.mark.parametrize("odd", ["9" * 5000, "1e999", "NaN", "[" * 500 + "]" * 500])
def test_an_error_beside_something_odd_is_an_error(odd: str) -> None:
    with pytest.raises(AdapterError):
        list(ChatCompletionReader(ERRORS).feed(b'{"error": {"message": "no", "code": 429}, "x": %b}' % odd.encode()))
