"""Sliding windows: what counts as used, when more may be used, and how periods follow each other."""

import math

import pytest

from gateway.access.limits import Limits
from gateway.access.windows import Counts, Quantity, Window, limited


def window(*, quantity: Quantity = "tokens", limit: float = 100, previous: float = 0, current: float = 0) -> Window:
    return Window(quantity=quantity, period="minute", limit=limit, previous=previous, current=current, elapsed=15)


def later(counted: Window, seconds: float) -> Window:
    """The same window after ``seconds`` in which nothing was used."""
    counts = Counts()
    counts.add({counted.quantity: counted.previous}, 600.0)
    counts.add({counted.quantity: counted.current}, 660.0)
    (one,) = counts.windows(
        Limits(requests_per_minute=math.ceil(counted.limit))
        if counted.quantity == "requests"
        else Limits(tokens_per_minute=math.ceil(counted.limit)),
        660.0 + counted.elapsed + seconds,
    )
    return one


def test_of_the_period_before_counts_what_is_still_in_the_window() -> None:
    half = window(previous=80, current=30)
    assert half.used == pytest.approx(80 * 0.75 + 30)
    assert half.remaining == pytest.approx(10)
    assert not half.spent


@pytest.mark.parametrize(("current", "spent"), [(99, False), (99.5, False), (100, True), (140, True)])
def test_amounts_are_spent_when_nothing_is_left(current: float, spent: bool) -> None:
    assert window(current=current).spent is spent


@pytest.mark.parametrize(("current", "spent"), [(98, False), (99, False), (99.5, True), (100, True)])
def test_requests_are_spent_when_a_whole_one_does_not_fit(current: float, spent: bool) -> None:
    assert window(quantity="requests", current=current).spent is spent


@pytest.mark.parametrize("quantity", ["requests", "tokens"])
@pytest.mark.parametrize(("previous", "current"), [(100, 50), (400, 20), (0, 100), (0, 350), (90, 100)])
def test_the_wait_is_the_time_until_more_may_be_used_and_not_longer(
    quantity: Quantity, previous: float, current: float
) -> None:
    full = window(quantity=quantity, previous=previous, current=current)
    assert full.spent
    assert 0 < full.wait < 120
    assert later(full, full.wait - 0.01).spent
    assert not later(full, full.wait + 0.01).spent


@pytest.mark.parametrize("quantity", ["requests", "tokens"])
def test_a_limit_of_nought_is_always_spent(quantity: Quantity) -> None:
    nothing = window(quantity=quantity, limit=0)
    assert nothing.spent
    assert math.isinf(nothing.wait)


def test_the_reset_is_the_time_until_nothing_counts_any_more() -> None:
    assert window().reset == 0
    assert window(previous=5).reset == 45
    assert window(previous=5, current=5).reset == 105


def test_periods_turn_over_and_are_forgotten() -> None:
    counts = Counts()
    limits = Limits(tokens_per_minute=10, tokens_per_day=100)
    counts.add({"tokens": 8}, 86_400.0 + 30)
    assert [one.used for one in counts.windows(limits, 86_400.0 + 59)] == [8, 8]
    assert [one.used for one in counts.windows(limits, 86_400.0 + 90)] == [4, 8]
    assert [one.used for one in counts.windows(limits, 86_400.0 + 180)] == [0, 8]
    assert [one.used for one in counts.windows(limits, 86_400.0 * 2.5)] == [0, 4]
    assert [one.used for one in counts.windows(limits, 86_400.0 * 4)] == [0, 0]


def test_a_clock_that_is_set_back_gives_nothing_back() -> None:
    counts = Counts()
    limits = Limits(tokens_per_day=100)
    counts.add({"tokens": 8}, 86_400.0 * 10)
    assert counts.windows(limits, 86_400.0 * 9 + 5)[0].used >= 8


def test_only_what_is_limited_has_a_window() -> None:
    assert list(limited(Limits())) == []
    assert list(limited(Limits(tokens_per_day=5, requests_per_minute=0, turns_at_once=1))) == [
        ("requests", "minute", 0),
        ("tokens", "day", 5),
    ]
