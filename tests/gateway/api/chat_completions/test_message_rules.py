"""What OpenAI refuses in messages, whichever way they go."""

from typing import Any

import pytest

from adapters.contract.errors import InvalidRequest
from gateway.api.chat_completions.message_rules import ROLES, check_messages, has_recording, names_spoken_answer

CALL = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f"}}]}
OLD_CALL = {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "noon"}


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"tool", "function"}))
def test_a_role_alone_is_a_message(role: str) -> None:
    check_messages([{"role": role}])


def test_results_follow_their_calls() -> None:
    check_messages([CALL, RESULT, RESULT])
    check_messages([OLD_CALL, {"role": "function", "name": "f", "content": "noon"}])


REFUSED: dict[str, tuple[list[dict[str, Any]], str, str, str]] = {
    "no messages": ([], "messages", "empty_array", "empty array"),
    "no role": ([{"content": "x"}], "messages[0].role", "missing_required_parameter", "'messages[0].role'"),
    "unknown role": (
        [{"role": "user"}, {"role": "god"}],
        "messages[1].role",
        "invalid_value",
        "'tool', and 'developer'",
    ),
    "role of another type": ([{"role": ["user"]}], "messages[0].role", "invalid_value", "Supported values"),
    "result without a call": ([RESULT], "messages[0].role", "invalid_value", "preceding message with 'tool_calls'"),
    "result of another call": (
        [CALL, {**RESULT, "tool_call_id": "c2"}],
        "messages[1].role",
        "invalid_value",
        "must be a response",
    ),
    "result before its call": ([RESULT, CALL], "messages[0].role", "invalid_value", "must be a response"),
    "result of nothing": (
        [CALL, {"role": "tool", "content": "noon"}],
        "messages[1].tool_call_id",
        "missing_required_parameter",
        "tool_call_id",
    ),
    "id of another type": ([CALL, {**RESULT, "tool_call_id": ["c1"]}], "messages[1].role", "invalid_value", "'tool'"),
    "function that was not called": (
        [CALL, {"role": "function", "name": "f"}],
        "messages[1].role",
        "invalid_value",
        "'function_call'",
    ),
    "calls of another type": ([{**CALL, "tool_calls": 7}, RESULT], "messages[1].role", "invalid_value", "'tool'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    messages, param, code, words = REFUSED[name]
    with pytest.raises(InvalidRequest) as refusal:
        check_messages(messages)
    assert (refusal.value.param, refusal.value.code) == (param, code)
    assert words in refusal.value.message


def test_audio_is_found_wherever_it_is() -> None:
    part = {"type": "input_audio", "input_audio": {"data": ""}}
    assert has_recording([{"role": "user", "content": "hi"}, {"role": "user", "content": [7, part]}])
    assert not has_recording([{"role": "user", "content": [{"type": "text", "text": "input_audio"}]}, {"role": "user"}])
    assert names_spoken_answer([{"role": "user"}, {"role": "assistant", "audio": {"id": "audio_1"}}])
    assert not names_spoken_answer([{"role": "assistant", "audio": None}])
