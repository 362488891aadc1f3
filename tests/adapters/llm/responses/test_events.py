from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.checks import llm_grammar
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, Overloaded, TooLong, UpstreamError
from adapters.llm.responses.events import ResponsesReader
from adapters.upstream import UpstreamClient, UpstreamOptions

ERRORS = UpstreamClient("responses-api", UpstreamOptions(responses_api_base_url="http://localhost:1/v1")).errors
USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 1},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
}
COUNTED = llm.Usage(input_tokens=3, output_tokens=5, cached_tokens=1, reasoning_tokens=2)
MESSAGE = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "hello", "annotations": []}]}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "sequence_number": 0, **fields}


def end(status: str = "completed", **fields: Any) -> dict[str, Any]:
    return event(status, response={"status": status, "usage": USAGE, "output": [], **fields})


def call(arguments: str = "", item_id: str | None = "fc_1", call_id: str = "call_1", name: str = "f") -> dict[str, Any]:
    return {"type": "function_call", "id": item_id, "call_id": call_id, "name": name, "arguments": arguments}


def read(*received: Any) -> list[Any]:
    events = ResponsesReader(ERRORS)
    found = [made for one in received for made in events.feed(msgspec.json.encode(one))]
    found += events.finish()
    llm_grammar([Started(), *found])
    return found


def calls(*received: Any) -> list[tuple[str, str, str]]:
    found = read(*received, end())
    assert found[-1].reason == "tool_calls"
    return [(made.call_id, made.name, made.arguments) for made in found if isinstance(made, llm.ToolCallFinished)]


def test_a_message_with_all_the_events_around_it() -> None:
    assert read(
        event("created", response={"status": "in_progress", "usage": None, "error": None}),
        event("in_progress", response={}),
        event("output_item.added", output_index=0, item={"type": "message", "content": [], "role": "assistant"}),
        event("content_part.added", part={"type": "output_text", "text": ""}),
        event("output_text.delta", delta="hel", logprobs=[]),
        event("output_text.delta", delta=""),
        event("output_text.delta", delta="lo"),
        event("output_text.done", text="hello"),
        event("output_item.done", item=MESSAGE),
        event("something.new", delta={"an": "object"}),
        {"type": "keepalive"},
        end(output=[MESSAGE]),
    ) == [llm.TextDelta(text="hel"), llm.TextDelta(text="lo"), llm.Finished(reason="stop", usage=COUNTED)]


def test_a_refusal_is_text_and_both_kinds_of_reasoning_are_reasoning() -> None:
    assert read(
        event("reasoning_summary_text.delta", delta="a"),
        event("reasoning_text.delta", delta="b"),
        event("refusal.delta", delta="no"),
        end(),
    )[:-1] == [llm.ReasoningDelta(text="a"), llm.ReasoningDelta(text="b"), llm.TextDelta(text="no")]


def test_a_call_arrives_piece_by_piece() -> None:
    assert read(
        event("output_item.added", output_index=1, item=call()),
        event("function_call_arguments.delta", output_index=1, item_id="fc_1", delta='{"x"'),
        event("function_call_arguments.delta", output_index=1, item_id="fc_1", delta=":1}"),
        event("function_call_arguments.done", output_index=1, item_id="fc_1", arguments='{"x":1}'),
        event("output_item.done", output_index=1, item=call('{"x":1}')),
        end(output=[call('{"x":1}')]),
    ) == [
        llm.ToolCallStarted(call_id="call_1", name="f"),
        llm.ToolCallDelta(call_id="call_1", arguments='{"x"'),
        llm.ToolCallDelta(call_id="call_1", arguments=":1}"),
        llm.ToolCallFinished(call_id="call_1", name="f", arguments='{"x":1}'),
        llm.Finished(reason="tool_calls", usage=COUNTED),
    ]


def test_pieces_of_two_calls_are_kept_apart() -> None:
    assert sorted(
        calls(
            event("output_item.added", output_index=0, item=call()),
            event("output_item.added", output_index=1, item=call(item_id="fc_2", call_id="call_2", name="g")),
            event("function_call_arguments.delta", output_index=1, item_id="fc_2", delta="[2]"),
            event("function_call_arguments.delta", output_index=0, item_id="fc_1", delta="[1]"),
        )
    ) == [("call_1", "f", "[1]"), ("call_2", "g", "[2]")]


def test_pieces_whose_item_id_changes_are_found_by_their_place() -> None:
    assert calls(
        event("output_item.added", output_index=0, item=call(item_id="fc_a")),
        event("function_call_arguments.delta", output_index=0, item_id="fc_b", delta="[1]"),
        event("output_item.done", output_index=0, item=call("[1]", item_id="fc_c")),
    ) == [("call_1", "f", "[1]")]


@pytest.mark.parametrize(
    "received",
    [
        [event("output_item.done", output_index=0, item=call("[1]"))],
        [
            event("output_item.added", output_index=0, item=call()),
            event("function_call_arguments.done", item_id="fc_1", arguments="[1]"),
        ],
        [
            event("output_item.added", output_index=0, item=call()),
            event("function_call_arguments.delta", item_id="fc_1", delta="["),
            event("output_item.done", output_index=0, item=call("[1]")),
        ],
    ],
)
def test_arguments_that_were_not_streamed_are_made_up_for(received: list[Any]) -> None:
    assert calls(*received) == [("call_1", "f", "[1]")]


def test_arguments_that_are_an_object_become_json() -> None:
    item = call() | {"arguments": {"x": 1}}
    assert calls(event("output_item.done", output_index=0, item=item)) == [("call_1", "f", '{"x":1}')]


@pytest.mark.parametrize(("text", "fault"), [("{", "not valid JSON"), ("[1]", "not a JSON object")])
def test_arguments_that_are_no_object_are_the_failure_of_that_call_alone(text: str, fault: str) -> None:
    other = event("output_item.done", output_index=1, item=call("{}", item_id="fc_2", call_id="call_2"))
    found = read(event("output_item.done", output_index=0, item=call(text)), other, end())
    faults = [made.invalid for made in found if isinstance(made, llm.ToolCallFinished)]
    assert faults == [f"The arguments of the call to 'f' are {fault}.", None]


def test_thinking_in_the_text_is_reasoning_and_special_tokens_are_nothing() -> None:
    pieces = ("<thi", "nk>hm</th", "ink>\n\nhello<|im", "_end|>")
    found = read(*(event("output_text.delta", delta=piece) for piece in pieces), end())
    assert found[:-1] == [llm.ReasoningDelta(text="hm"), llm.TextDelta(text="hello")]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    added = event("output_item.added", output_index=0, item=call())
    assert calls(added, event("output_item.done", output_index=0, item=call())) == [("call_1", "f", "{}")]


@pytest.mark.parametrize(
    ("reason", "expected"), [("max_output_tokens", "length"), ("content_filter", "content_filter"), (None, "length")]
)
def test_an_incomplete_response_says_why(reason: str | None, expected: str) -> None:
    details = {"reason": reason} if reason else None
    found = read(event("output_text.delta", delta="x"), end("incomplete", incomplete_details=details))
    assert found[-1] == llm.Finished(reason=expected, usage=COUNTED)  # type: ignore[arg-type]


def test_an_incomplete_response_finishes_its_calls() -> None:
    added = event("output_item.added", output_index=0, item=call())
    piece = event("function_call_arguments.delta", item_id="fc_1", delta="[")
    assert read(added, piece, end("incomplete"))[-2:] == [
        llm.ToolCallFinished(
            call_id="call_1", name="f", arguments="[", invalid="The arguments of the call to 'f' are not valid JSON."
        ),
        llm.Finished(reason="length", usage=COUNTED),
    ]


def test_what_was_not_streamed_at_all_is_taken_from_the_response() -> None:
    assert read(end(output=[MESSAGE]))[0] == llm.TextDelta(text="hello")


def test_done_is_told_by_the_last_event() -> None:
    events = ResponsesReader(ERRORS)
    list(events.feed(msgspec.json.encode(event("output_text.delta", delta="x"))))
    assert not events.done
    list(events.feed(msgspec.json.encode(end())))
    assert events.done


def whole(response: Any) -> list[Any]:
    events = ResponsesReader(ERRORS)
    return [*events.whole(msgspec.json.encode(response)), *events.finish()]


def test_a_whole_response_gives_the_same_events() -> None:
    reasoning = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "content": None}
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}
    output = [reasoning, MESSAGE, refusal, call("{}"), {"type": "web_search_call", "status": "completed"}]
    found = whole({"status": "completed", "error": None, "output": output, "usage": USAGE})
    llm_grammar([Started(), *found])
    assert found == [
        llm.ReasoningDelta(text="hm"),
        llm.TextDelta(text="hello"),
        llm.TextDelta(text="no"),
        llm.ToolCallStarted(call_id="call_1", name="f"),
        llm.ToolCallDelta(call_id="call_1", arguments="{}"),
        llm.ToolCallFinished(call_id="call_1", name="f", arguments="{}"),
        llm.Finished(reason="tool_calls", usage=COUNTED),
    ]


FAILED = {"code": "rate_limit_exceeded", "message": "slow"}


@pytest.mark.parametrize(
    ("received", "kind"),
    [
        ([event("failed", response={"status": "failed", "error": FAILED})], Overloaded),
        ([event("failed", response={"error": {"code": "server_error", "message": "x"}})], UpstreamError),
        ([event("failed")], UpstreamError),
        ([{"type": "error", "code": "context_length_exceeded", "message": "x", "param": None}], TooLong),
        ([{"type": "error", "error": FAILED}], Overloaded),
        ([{"error": FAILED}], Overloaded),
        ([event("cancelled", response={"status": "cancelled"})], UpstreamError),
        ([], UpstreamError),
        ([event("output_text.delta", delta="x")], UpstreamError),
        ([event("output_item.done", item={"type": "function_call"})], UpstreamError),
        (["text"], UpstreamError),
    ],
)
def test_what_is_not_a_complete_answer_is_an_error(received: list[Any], kind: type[AdapterError]) -> None:
    with pytest.raises(AdapterError) as caught:
        read(*received)
    assert type(caught.value) is kind
    assert caught.value.adapter == "responses-api"


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ({"status": "failed", "error": FAILED}, Overloaded),
        ({"error": FAILED}, Overloaded),
        ({"status": "in_progress"}, UpstreamError),
        ([], UpstreamError),
    ],
)
def test_a_whole_response_that_failed_is_an_error(response: Any, kind: type[AdapterError]) -> None:
    with pytest.raises(AdapterError) as caught:
        whole(response)
    assert type(caught.value) is kind
