"""What is seen in every shape of answer, of both APIs."""

from typing import Any

import msgspec
import pytest

from adapters.upstream.lenient_json import UnreadableJson
from adapters.upstream.probe.observer import AnswerObserver


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"delta": fields}]}


STOP = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
DONE = {"type": "response.completed", "response": {"status": "completed", "output": []}}
CALL = {"function": {"name": "ping", "arguments": "{}"}}


def seen_of(*events: Any) -> AnswerObserver:
    observer = AnswerObserver()
    for event in events:
        assert not observer.ended
        observer.add(msgspec.json.encode(event))
    return observer


@pytest.mark.parametrize(
    ("events", "seen"),
    [
        ([delta(role="assistant", content=""), delta(content="1"), delta(content=", 2"), STOP], (2, 0, 0)),
        ([delta(content="1"), STOP], (1, 0, 0)),
        ([delta(reasoning_content="Hm"), delta(reasoning="m"), delta(content="1"), STOP], (3, 1, 0)),
        ([delta(content="<think>"), delta(content="Hm"), STOP], (2, 1, 0)),
        ([delta(reasoning_content="\n\n"), delta(content="1"), STOP], (1, 0, 0)),
        ([delta(tool_calls=[CALL]), STOP], (1, 0, 1)),
        ([{"choices": [], "usage": {}}, STOP], (0, 0, 0)),
        (
            [
                {"type": "response.created", "response": {"status": "in_progress", "output": []}},
                {"type": "response.output_item.added", "item": {"type": "message"}},
                {"type": "response.output_text.delta", "delta": "1"},
                {"type": "response.output_text.delta", "delta": ", 2"},
                DONE | {"response": {"output": [{"type": "message", "content": [{"text": "1, 2"}]}]}},
            ],
            (2, 0, 0),
        ),
        ([{"type": "response.reasoning_summary_text.delta", "delta": "Hm"}, DONE], (1, 1, 0)),
        ([{"type": "response.output_item.added", "item": {"type": "function_call"}}, DONE], (1, 0, 1)),
        ([DONE | {"response": {"output": [{"type": "message", "content": [{"text": "1, 2"}]}]}}], (1, 0, 0)),
        ([{"type": "response.incomplete", "response": {"output": [{"type": "reasoning"}]}}], (0, 0, 0)),
    ],
)
def test_a_stream(events: list[Any], seen: tuple[int, bool, bool]) -> None:
    observer = seen_of(*events)
    assert (observer.pieces, observer.reasons, observer.calls) == seen
    assert (observer.failure, observer.ended) == (None, True)


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ({"choices": [{"message": {"content": "1, 2"}, "finish_reason": "stop"}]}, (1, 0, 0)),
        ({"choices": [{"message": {"content": None, "tool_calls": [CALL]}, "finish_reason": "tool_calls"}]}, (1, 0, 1)),
        (
            {"object": "response", "status": "completed", "error": None, "output": [{"type": "function_call"}]},
            (1, 0, 1),
        ),
        ({"status": "incomplete", "output": [{"type": "reasoning", "summary": [{"text": "Hm"}]}]}, (1, 1, 0)),
    ],
)
def test_an_answer_in_one_piece(body: Any, seen: tuple[int, bool, bool]) -> None:
    observer = seen_of(body)
    assert (observer.pieces, observer.reasons, observer.calls) == seen
    assert (observer.failure, observer.ended) == (None, True)


@pytest.mark.parametrize(
    "event",
    [
        {"error": {"message": "no"}},
        {"type": "error", "message": "no"},
        {"object": "error", "message": "no"},
        {"choices": [{"finish_reason": "error"}]},
        {"type": "response.failed", "response": {"status": "failed"}},
        {"status": "failed", "output": []},
    ],
)
def test_an_error_in_the_answer(event: Any) -> None:
    assert seen_of(delta(content="1"), event).failure == "error in the answer"


@pytest.mark.parametrize("data", [b"[1]", b"no json", b"", b"[" * 20_000])
def test_what_is_not_json_of_an_answer(data: bytes) -> None:
    with pytest.raises(UnreadableJson):
        AnswerObserver().add(data)


@pytest.mark.parametrize("data", [b'{"choices": 1}', b'{"choices": [null], "delta": "\xff"}', b'{"type": 5}'])
def test_odd_fields_are_ignored(data: bytes) -> None:
    observer = AnswerObserver()
    observer.add(data)
    assert observer == AnswerObserver()
