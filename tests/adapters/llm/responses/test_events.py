from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.checks import llm_grammar
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, Overloaded, TooLong, UpstreamError
from adapters.llm.responses.events import ResponsesReader
from adapters.upstream.error_table import ServerFailure
from tests.support.response_events import COUNTED, ERRORS, USAGE, call, end, event, read

MESSAGE = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "hello", "annotations": []}]}


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


def test_a_refusal_is_text_that_says_so_and_both_kinds_of_reasoning_are_reasoning() -> None:
    assert read(
        event("reasoning_summary_text.delta", delta="a"),
        event("reasoning_text.delta", delta="b"),
        event("refusal.delta", delta="no"),
        end(),
    )[:-1] == [llm.ReasoningDelta(text="a"), llm.ReasoningDelta(text="b"), llm.TextDelta(text="no", refusal=True)]


def test_thinking_in_the_text_is_reasoning_and_special_tokens_are_nothing() -> None:
    pieces = ("<thi", "nk>hm</th", "ink>\n\nhello<|im", "_end|>")
    found = read(*(event("output_text.delta", delta=piece) for piece in pieces), end())
    assert found[:-1] == [llm.ReasoningDelta(text="hm"), llm.TextDelta(text="hello")]


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
        llm.TextDelta(text="no", refusal=True),
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
        ([event("failed", response={"error": {"code": "server_error", "message": "x"}})], ServerFailure),
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


def test_done_completes_an_answer_without_an_end() -> None:
    reader = ResponsesReader(ERRORS)
    list(reader.feed(msgspec.json.encode(event("output_text.delta", delta="x"))))
    *_, finished = reader.finish(marked=True)
    assert finished == llm.Finished(reason="stop", usage=None)


@pytest.mark.parametrize("status", [None, "", "completed", "success"])
def test_a_whole_response_without_a_usual_status_is_finished(status: str | None) -> None:
    found = whole({"status": status, "output": [MESSAGE]})
    assert [type(made) for made in found] == [llm.TextDelta, llm.Finished]


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [("completed", "incomplete", "length"), ("done", "completed", "stop"), ("completed", "in_progress", "stop")],
)
def test_the_status_of_the_response_is_looked_at_too(kind: str, status: str, reason: str) -> None:
    assert read(event(kind, response={"status": status, "usage": USAGE}))[-1].reason == reason


def test_a_completed_event_with_a_failed_response_is_an_error() -> None:
    with pytest.raises(Overloaded):
        read(event("completed", response={"status": "failed", "error": FAILED}))


@pytest.mark.parametrize("kind", ['"error"', "null"])
@pytest.mark.parametrize("odd", ["9" * 5000, "1e999", "NaN", "[" * 500 + "]" * 500])
def test_an_error_beside_something_odd_is_an_error(kind: str, odd: str) -> None:
    data = f'{{"type": {kind}, "error": {{"message": "no", "code": 429}}, "x": {odd}}}'
    with pytest.raises(AdapterError):
        list(ResponsesReader(ERRORS).feed(data.encode()))
