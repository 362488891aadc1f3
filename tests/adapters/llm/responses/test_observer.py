"""What is seen of a response as it passes by."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import AdapterError, UpstreamError
from adapters.llm.responses.observer import ResponsesObserver
from adapters.upstream import UpstreamClient, UpstreamOptions
from tests.support.upstream_server import sse

ERRORS = UpstreamClient("x", UpstreamOptions(responses_api_base_url="http://localhost:1/v1")).errors
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": "{}"}
USAGE = {"input_tokens": 3, "output_tokens": 2}
CREATED = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "error": None}}
DELTA = {"type": "response.output_text.delta", "delta": "Hi"}


def observer(*, recorded: bool = True) -> ResponsesObserver:
    return ResponsesObserver(ERRORS, route="here", recorded=recorded)


def said(text: str) -> dict[str, Any]:
    return {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": text}]}


def final(*output: Any, status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "status": status, "output": output, "usage": USAGE, "odd": 1, **more}


def test_the_beginning_says_the_id_and_content_begins_the_answer() -> None:
    seen = observer()
    seen.see(sse(CREATED))
    assert (seen.answer_id, seen.begun) == ("resp_1", False)
    seen.see(sse(DELTA))
    assert seen.begun


def test_a_recorded_response_is_kept_as_message_and_as_it_was_written() -> None:
    seen = observer()
    response = final(said("Hi"), CALL)
    events = sse(DELTA) + sse({"type": "response.completed", "response": response})
    assert seen.see(events) == events
    end = seen.finish()
    assert end.reason == "tool_calls"
    assert end.usage == llm.Usage(input_tokens=3, output_tokens=2)
    assert msgspec.json.encode(end.response) == msgspec.json.encode(response)
    assert end.message is not None
    assert end.message.parts == (llm.Text(text="Hi"), llm.ToolCall(call_id="call_1", name="look", arguments="{}"))


@pytest.mark.parametrize("recorded", [False, True])
def test_items_that_the_last_event_does_not_state_again_are_those_of_their_own_events(recorded: bool) -> None:
    seen = observer(recorded=recorded)
    items = [{"type": "response.output_item.done", "output_index": 0, "item": item} for item in (said("Hi"), CALL)]
    seen.see(sse(CREATED) + sse(DELTA))
    for event in (*items, {"type": "response.completed", "response": final()}):
        seen.see(sse(event))
    end = seen.finish()
    assert end.reason == "tool_calls"
    if recorded:
        assert msgspec.json.encode(end.response) == msgspec.json.encode(final(said("Hi"), CALL))
        assert end.message is not None
        assert [type(part) for part in end.message.parts] == [llm.Text, llm.ToolCall]


def test_an_incomplete_response_says_why_it_ended() -> None:
    seen = observer(recorded=False)
    response = final(said("Hi"), status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    seen.see(sse(DELTA) + sse({"type": "response.incomplete", "response": response}))
    assert (seen.finish().reason, seen.finish().response) == ("length", None)


@pytest.mark.parametrize(
    "event",
    [
        sse({"type": "error", "message": "no", "code": "server_error"}),
        b"event: error\n" + sse({"message": "no"}),
        sse({"type": "response.failed", "response": final(status="failed", error={"message": "no"})}),
    ],
)
def test_a_failure_before_content_is_raised_and_after_it_noted(event: bytes) -> None:
    early = observer()
    early.see(sse(CREATED))
    with pytest.raises(AdapterError):
        early.see(event)
    late = observer()
    late.see(sse(DELTA))
    assert late.see(event) == event
    assert late.done
    assert late.finish().failure is not None


def test_a_response_without_an_end_is_a_failure() -> None:
    seen = observer()
    seen.see(sse(DELTA))
    with pytest.raises(UpstreamError):
        seen.finish()


@pytest.mark.parametrize("document", [b"no json", b"{}", msgspec.json.encode(final(status="in_progress"))])
def test_a_document_that_is_not_a_complete_response_is_refused(document: bytes) -> None:
    with pytest.raises(AdapterError):
        observer().see_document(document)
