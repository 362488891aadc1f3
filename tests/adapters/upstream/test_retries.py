from typing import Any

import pytest

from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TimedOut,
    TooLong,
    Unavailable,
    UnknownModel,
    Unsupported,
    UpstreamError,
)
from adapters.upstream.retries import dispensable, retry_delay, without

BODY: dict[str, Any] = {"model": "m", "temperature": 1, "reasoning_effort": "none"}


def longest(error: AdapterError, repetition: int) -> float | None:
    return retry_delay(error, repetition, draw=lambda _low, high: high)


@pytest.mark.parametrize("kind", [Overloaded, Unavailable, TimedOut])
def test_temporary_failures_are_retried_with_exponential_backoff(kind: type[AdapterError]) -> None:
    assert [longest(kind("x"), n) for n in range(6)] == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0]
    assert retry_delay(kind("x"), 3, draw=lambda low, _high: low) == 0.0  # full jitter


@pytest.mark.parametrize("kind", [InvalidRequest, TooLong, Unsupported, UnknownModel, UpstreamError])
def test_permanent_failures_are_not_retried(kind: type[AdapterError]) -> None:
    assert longest(kind("x"), 0) is None


@pytest.mark.parametrize(("retry_after", "wait"), [(0.0, 0.0), (1.5, 1.5), (2.0, 2.0), (2.5, None)])
def test_retry_after_is_respected_within_bounds(retry_after: float, wait: float | None) -> None:
    assert longest(Overloaded("x", retry_after=retry_after), 0) == wait


def test_controls_are_found_and_left_out() -> None:
    body = {"model": "m", "reasoning": {"effort": "low"}, "chat_template_kwargs": {"enable_thinking": False}}
    [names] = dispensable(InvalidRequest("x"), body)
    assert names == ("reasoning", "chat_template_kwargs")
    assert without(body, names) == {"model": "m"}


@pytest.mark.parametrize("param", [None, "", "reasoning_effort", "reasoning.effort", "body"])
def test_a_refusal_that_may_mean_a_control(param: str | None) -> None:
    assert dispensable(InvalidRequest("x", param=param), BODY) == [("reasoning_effort",)]


THOUGHTFUL = {**BODY, "messages": [{"role": "user"}, {"role": "assistant", "reasoning_content": "hm"}]}
SENT_BACK, CONTROL = ("reasoning_content",), ("reasoning_effort",)


@pytest.mark.parametrize(
    ("param", "names"),
    [
        (None, [SENT_BACK, CONTROL, SENT_BACK + CONTROL]),
        ("messages[1].reasoning_content", [SENT_BACK]),
        ("messages.1", [SENT_BACK]),
        ("reasoning_effort", [CONTROL]),
        ("temperature", []),
    ],
)
def test_reasoning_in_messages_is_left_out_too(param: str | None, names: list[tuple[str, ...]]) -> None:
    assert dispensable(InvalidRequest("x", param=param), THOUGHTFUL) == names
    bare = [{"role": "user"}, {"role": "assistant"}]
    assert without(THOUGHTFUL, SENT_BACK) == {**BODY, "messages": bare}


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("x", param="temperature"),
        InvalidRequest("x", param="model"),
        TooLong("x"),
    ],
)
def test_a_refusal_that_clearly_means_something_else(error: InvalidRequest) -> None:
    assert dispensable(error, BODY) == []


def test_without_controls_no_refusal_means_them() -> None:
    assert dispensable(InvalidRequest("x"), {"model": "m"}) == []
