"""What is seen of a chat completion as it passes by."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import AdapterError, Overloaded, UpstreamError
from adapters.llm.chat_completions.observer import ChatCompletionObserver
from adapters.upstream import UpstreamClient, UpstreamOptions
from tests.support.upstream_server import sse

ERRORS = UpstreamClient("x", UpstreamOptions(responses_api_base_url="http://localhost:1/v1")).errors
USAGE = {"prompt_tokens": 3, "completion_tokens": 2}


def observer(*, wants_usage: bool = False, choices: int = 1) -> ChatCompletionObserver:
    return ChatCompletionObserver(ERRORS, wants_usage=wants_usage, choices=choices)


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}


@pytest.mark.parametrize("field", ["content", "reasoning_content", "audio", "a field of tomorrow"])
def test_content_of_any_field_begins_the_answer(field: str) -> None:
    seen = observer()
    seen.see(b": comment\n\n" + sse(chunk({"role": "assistant", "content": ""})))
    assert not seen.begun
    seen.see(sse(chunk({field: {"id": "a"}})))
    assert seen.begun
    assert seen.answer_id == "c1"


@pytest.mark.parametrize("null", [b"null", b" null"])
def test_events_with_nothing_but_content_are_not_read(null: bytes) -> None:
    seen = observer()
    seen.see(sse(chunk({"content": "a"})))
    plain = b'data: {"usage":' + null + b',"choices":[{"delta":{"content":"b"},"finish_reason":' + null + b"}],\n\n"
    assert seen.see(plain) == plain  # it would not decode
    assert not seen.done


@pytest.mark.parametrize(
    ("stated", "reason"), [("stop", "stop"), ("tool_calls", "tool_calls"), ("max_tokens", "length")]
)
def test_the_end_is_seen_among_other_events(stated: str, reason: llm.FinishReason) -> None:
    seen = observer()
    seen.see(sse(chunk({"content": "a"})))
    events = sse(chunk({"content": "b"})) + sse(chunk({}, stated, usage=USAGE)) + sse("[DONE]")
    assert seen.see(events) == events
    end = seen.finish()
    assert (end.reason, end.usage) == (reason, llm.Usage(input_tokens=3, output_tokens=2))


@pytest.mark.parametrize("wanted", [True, False])
def test_a_usage_alone_is_withheld_from_a_client_that_did_not_ask(*, wanted: bool) -> None:
    seen = observer(wants_usage=wanted)
    usage = sse({"choices": [], "usage": USAGE})
    assert seen.see(sse(chunk({"content": "a"}, "stop")) + usage).endswith(usage) is wanted
    assert seen.finish().usage is not None


def test_an_error_before_content_is_raised_and_after_it_noted() -> None:
    error = sse({"error": {"message": "slow down", "code": 429}})
    with pytest.raises(Overloaded):
        observer().see(error)
    seen = observer()
    seen.see(sse(chunk({"content": "a"})))
    assert seen.see(error) == error
    assert seen.finish().failure is not None


def test_an_answer_without_an_end_is_a_failure() -> None:
    seen = observer()
    seen.see(sse(chunk({"content": "a"})))
    with pytest.raises(UpstreamError):
        seen.finish()


@pytest.mark.parametrize("document", [b"no json", b"{}", msgspec.json.encode({"error": {"message": "no"}})])
def test_a_document_that_is_not_a_chat_completion_is_refused(document: bytes) -> None:
    with pytest.raises(AdapterError):
        observer().see_document(document)


def test_an_answer_is_complete_when_each_of_its_choices_is() -> None:
    seen = observer(choices=2)
    seen.see(sse(chunk({"content": "a"}, "stop")))
    assert not seen.done
    seen.see(sse(chunk({"content": "b"}, "stop")))
    assert seen.done
