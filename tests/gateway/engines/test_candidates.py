"""Engines in order: one that failed often is passed over for a while, one that was lost is left out."""

import asyncio
from contextlib import suppress

import pytest

from adapters.contract.errors import AdapterError, InvalidRequest, TimedOut, Unavailable, UpstreamError
from adapters.upstream.breaker import CircuitBreaker
from gateway.engines.candidates import Candidate, Candidates, note_failure
from tests.support.virtual_time import in_virtual_time


class Healthy:
    """An engine that may report a failure."""

    def __init__(self, failure: str | None = None) -> None:
        self.failure = failure


def candidates(*engines: str) -> Candidates[str]:
    return Candidates([Candidate(name=name, engine=name, circuit=CircuitBreaker()) for name in engines])


def usable(several: Candidates[str]) -> list[str]:
    names: list[str] = []
    with suppress(Unavailable):
        for candidate in several.usable():
            names.append(candidate.name)
    return names


@pytest.mark.parametrize("error", [UpstreamError("odd"), TimedOut("slow"), Unavailable("down")])
@in_virtual_time
async def test_one_that_failed_five_times_is_passed_over_for_ten_seconds(error: AdapterError) -> None:
    several = candidates("a", "b")
    for _ in range(4):
        note_failure(several.first, error)
    assert usable(several) == ["a", "b"]
    note_failure(several.first, error)
    assert usable(several) == ["b"]
    await asyncio.sleep(10.1)
    assert usable(several) == ["a", "b"]


@in_virtual_time
async def test_where_the_first_is_passed_over_and_none_can_it_says_so() -> None:
    several = candidates("a", "b")
    for _ in range(5):
        note_failure(several.first, UpstreamError("odd"))
    await asyncio.sleep(4)
    with pytest.raises(Unavailable, match="a is temporarily disabled") as raised:
        list(several.usable())
    assert raised.value.retry_after == 6.0


@pytest.mark.parametrize("error", [InvalidRequest("wrong"), Unavailable("busy", retry_after=1.0)])
async def test_a_wrong_request_or_a_full_queue_says_nothing_against_it(error: AdapterError) -> None:
    several = candidates("a", "b")
    for _ in range(6):
        note_failure(several.first, error)
    assert usable(several) == ["a", "b"]


async def test_when_all_failed_often_all_are_asked() -> None:
    several = candidates("a", "b")
    for candidate in list(several.usable()) * 5:
        note_failure(candidate, UpstreamError("odd"))
    assert usable(several) == ["a", "b"]


def test_what_could_not_be_loaded_is_left_out_unless_nothing_could() -> None:
    several = candidates("a", "b")
    assert several.leave_out(lambda name: name == "a")
    assert several.engines == ("b",)
    assert not several.leave_out(lambda name: name == "b")
    assert several.first.name == "b"


def test_they_have_failed_once_all_have() -> None:
    engines = [Healthy("broken"), Healthy()]
    several = Candidates([Candidate(name="e", engine=engine, circuit=CircuitBreaker()) for engine in engines])
    assert several.failure is None
    engines[1].failure = "also broken"
    assert several.failure == "broken"
    assert candidates("a").failure is None
