"""The line of the log about a turn says how it ended and what it took, and nothing of what was said."""

import logging
from typing import Any

import pytest

from adapters.contract.errors import InvalidRequest, TooLong, UpstreamError
from gateway.telemetry.outcome import TurnOutcome, describe_failure, log_outcome
from gateway.telemetry.timings import Timings


def outcome(**fields: Any) -> TurnOutcome:
    plain: dict[str, Any] = {
        "response_id": "resp_1",
        "conversation_id": "kitchen",
        "caller": "anyone",
        "route": "home",
        "answered_by": "home",
        "reason": "stop",
        "heard_seconds": 2.0,
        "characters": 11,
        "spoken_seconds": 1.0,
        "delivered_seconds": 1.0,
        "usage": None,
        "compaction": None,
        "timings": Timings(stt=0.25, llm_first=None, tts_first=None, first_audio=None, total=0.5),
    }
    return TurnOutcome(**plain | fields)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "resp_1 stop model=home stt=250.0ms total=500.0ms"),
        ({"answered_by": None, "reason": "left"}, "resp_1 left model=home stt=250.0ms total=500.0ms"),
        ({"answered_by": "spare"}, "resp_1 stop model=home by=spare stt=250.0ms total=500.0ms"),
    ],
    ids=["its own model", "nobody answered", "a fallback"],
)
def test_one_line_a_turn(fields: dict[str, Any], line: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log_outcome(outcome(**fields))
    assert caplog.messages == [line]


def test_a_wrong_request_is_described_without_its_values() -> None:
    error = InvalidRequest("Invalid 'voice': 'my secret'.", param="voice", code="invalid_value")
    assert describe_failure(error) == "InvalidRequest param=voice code=invalid_value"
    assert "secret" not in describe_failure(TooLong("my secret is too long", param="messages"))


def test_other_failures_are_described_by_their_sentence() -> None:
    assert (
        describe_failure(UpstreamError("The server refused the key.")) == "UpstreamError: The server refused the key."
    )
