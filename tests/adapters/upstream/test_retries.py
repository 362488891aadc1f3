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
from adapters.upstream.retries import (
    may_refuse_reasoning_controls,
    reasoning_controls,
    retry_delay,
    without_reasoning_controls,
)

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
    assert reasoning_controls(body) == ("reasoning", "chat_template_kwargs")
    assert without_reasoning_controls(body) == {"model": "m"}


@pytest.mark.parametrize("param", [None, "", "reasoning_effort", "reasoning.effort", "body"])
def test_a_refusal_that_may_mean_a_control(param: str | None) -> None:
    assert may_refuse_reasoning_controls(InvalidRequest("x", param=param), BODY)


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("x", param="temperature"),
        InvalidRequest("x", param="model"),
        TooLong("x"),
        UnknownModel("x"),
        Overloaded("x"),
        UpstreamError("x"),
    ],
)
def test_a_refusal_that_clearly_means_something_else(error: AdapterError) -> None:
    assert not may_refuse_reasoning_controls(error, BODY)


def test_without_controls_no_refusal_means_them() -> None:
    assert not may_refuse_reasoning_controls(InvalidRequest("x"), {"model": "m"})
