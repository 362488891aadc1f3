"""The events of a turn as events of the Responses API, in orders that the tests over a socket do not have."""

from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started
from gateway.api.responses.events import Event, event_bytes
from gateway.api.responses.schema import Response, ResponseError
from gateway.api.responses.writer import ResponseWriter, usage_of
from gateway.pipeline.answer import AnswerFinished
from gateway.turns.result import TurnEvent
from tests.support.responses_client import checked_events

ERROR = ResponseError(code="server_error", message="It broke.")


def finished(reason: llm.FinishReason = "stop") -> AnswerFinished:
    return AnswerFinished(text="", message=llm.Message(role="assistant", parts=()), reason=reason, usage=None)


def writer(*, summarised: bool = False) -> ResponseWriter:
    return ResponseWriter(Response(id="resp_1", created_at=1, model="m"), summarised=summarised)


def noted(writer: ResponseWriter, *events: TurnEvent) -> list[Event]:
    return [*writer.begin(), *(made for event in events for made in writer.note(event))]


def checked(events: list[Event]) -> list[dict[str, Any]]:
    """The events as the SDK takes them."""
    return checked_events(b"".join(map(event_bytes, events)).decode())


def kinds(output: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["type"], item["status"]) for item in output]


def started(call_id: str) -> llm.ToolCallStarted:
    return llm.ToolCallStarted(call_id=call_id, name="f")


def test_text_after_a_call_is_another_message() -> None:
    one = writer()
    call = llm.ToolCallFinished(call_id="c", name="f", arguments="{}")
    events = noted(one, Started(), llm.TextDelta(text="a"), started("c"), call, llm.TextDelta(text="b"), finished())
    output = checked(events + one.end(None, 2))[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "message"]


def test_calls_may_be_written_at_the_same_time() -> None:
    one = writer()
    events = noted(
        one,
        started("c1"),
        started("c2"),
        llm.ToolCallDelta(call_id="c2", arguments="[2"),
        llm.ToolCallDelta(call_id="c1", arguments="[1"),
        llm.ToolCallFinished(call_id="c2", name="f", arguments="[2]"),
        llm.ToolCallFinished(call_id="c1", name="f", arguments="[1]"),
        finished("tool_calls"),
    )
    output = checked(events + one.end(None, 2))[-1]["response"]["output"]
    assert [(item["call_id"], item["arguments"]) for item in output] == [("c1", "[1]"), ("c2", "[2]")]


def test_what_is_open_when_a_response_fails_is_incomplete() -> None:
    for thought in (False, True):
        one = writer(summarised=thought)
        events = noted(
            one, llm.TextDelta(text="a"), started("c"), llm.ToolCallDelta(call_id="c", arguments="{"),
            llm.ReasoningDelta(text="hm"),
        )  # fmt: skip
        response = checked(events + one.fail(ERROR))[-1]["response"]
        assert response["error"] == {"code": "server_error", "message": "It broke."}
        assert kinds(response["output"]) == [
            ("message", "completed"),
            ("function_call", "incomplete"),
            ("reasoning", "incomplete"),
        ]
        assert response["output"][1]["arguments"] == "{"


def test_what_is_open_when_a_response_is_cancelled_is_incomplete() -> None:
    one = writer()
    last = checked(noted(one, llm.TextDelta(text="a")) + one.cancel())[-1]
    assert (last["type"], last["response"]["status"]) == ("response.incomplete", "cancelled")
    assert kinds(last["response"]["output"]) == [("message", "incomplete")]


def test_the_stream_itself_may_fail() -> None:
    one = writer()
    last = checked([*noted(one, llm.TextDelta(text="a")), one.break_off(ERROR)])[-1]
    assert (last["type"], last["code"], last["message"], last["param"]) == ("error", "server_error", "It broke.", None)


def test_usage_holds_that_of_a_summary() -> None:
    answer = llm.Usage(input_tokens=10, output_tokens=4, cached_tokens=3, reasoning_tokens=2)
    summary = llm.Usage(input_tokens=100, output_tokens=40)
    assert usage_of(None, summary) is None
    assert msgspec.to_builtins(usage_of(answer, summary)) == {
        "input_tokens": 110,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 44,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 154,
    }


def test_a_refusal_is_a_message_of_its_own() -> None:
    one = writer()
    pieces = [llm.TextDelta(text=text, refusal=True) for text in ("I can't ", "help.")]
    found = checked(noted(one, llm.TextDelta(text="Well."), *pieces, finished()) + one.end(None, 2))
    said, refused = found[-1]["response"]["output"]
    assert said["content"][0]["text"] == "Well."
    assert refused["content"] == [{"type": "refusal", "refusal": "I can't help."}]
    assert [event["type"].removeprefix("response.") for event in found if event.get("output_index") == 1] == [
        "output_item.added",
        "content_part.added",
        "refusal.delta",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
    ]
