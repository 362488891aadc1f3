"""How a turn ends is described without what was said."""

import pytest

from adapters.contract.errors import InvalidRequest, TimedOut, TooLong, UpstreamError
from gateway.pipeline.listen import NoSpeech
from gateway.telemetry.outcome import Ending, describe_failure


def test_a_wrong_request_is_described_without_its_values() -> None:
    error = InvalidRequest("Invalid 'voice': 'my secret'.", param="voice", code="invalid_value")
    assert describe_failure(error) == "InvalidRequest param=voice code=invalid_value"
    assert "secret" not in describe_failure(TooLong("my secret is too long", param="messages"))


def test_what_another_server_says_of_a_field_is_left_out() -> None:
    error = InvalidRequest("no", adapter="chat-completions", param="my secret", code="my secret")
    assert describe_failure(error) == "InvalidRequest by chat-completions"


def test_other_failures_are_described_by_their_sentence() -> None:
    assert (
        describe_failure(UpstreamError("The server refused the key.")) == "UpstreamError: The server refused the key."
    )


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (TimedOut("Too late."), "TimedOut", "TimedOut: Too late."),
        (NoSpeech(), "InvalidRequest", "NoSpeech param=audio code=no_speech"),
        (RuntimeError("my secret"), "internal", "RuntimeError"),
    ],
    ids=["a class of the contract", "a subclass of ours", "a bug"],
)
def test_a_failure_is_of_a_kind_that_metrics_can_count(error: Exception, kind: str, reason: str) -> None:
    ending = Ending()
    ending.failed(error)
    assert (ending.error, ending.reason) == (kind, reason)
