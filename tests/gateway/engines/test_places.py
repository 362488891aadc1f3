"""Places at an engine: given in order, those ahead first, and never lost when a wait is cancelled."""

import asyncio

import pytest

from gateway.engines.places import Places, RunningMean


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_waits_ahead_comes_first_and_the_others_in_their_order() -> None:
    places, order = Places(1), []
    await places.acquire(ahead=False)

    async def come(name: str, *, ahead: bool) -> None:
        await places.acquire(ahead=ahead)
        order.append(name)
        places.release()

    comers = [("a", False), ("b", False), ("first", True), ("second", True)]
    waiting = [asyncio.create_task(come(name, ahead=ahead)) for name, ahead in comers]
    await settle()
    assert (places.running, places.waiting) == (1, 4)
    places.release()
    await asyncio.gather(*waiting)
    assert order == ["first", "second", "a", "b"]
    assert (places.running, places.waiting) == (0, 0)


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("given", [True, False])
async def test_a_wait_that_is_cancelled_loses_no_place(ahead: bool, given: bool) -> None:
    places = Places(1)
    await places.acquire(ahead=False)
    waiting = asyncio.create_task(places.acquire(ahead=ahead))
    await settle()
    if given:
        places.release()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (places.running, places.waiting) == (0 if given else 1, 0)


async def test_a_place_goes_to_the_next_when_the_first_has_just_given_up() -> None:
    """Cancelled, but its task has not run since: it still stands in the line."""
    places = Places(1)
    await places.acquire(ahead=False)
    first, second = (asyncio.create_task(places.acquire(ahead=False)) for _ in range(2))
    await settle()
    first.cancel()
    places.release()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert (places.running, places.waiting) == (1, 0)
    places.release()
    assert places.running == 0


def test_a_mean_follows_what_is_new() -> None:
    mean = RunningMean()
    assert mean.value is None
    mean.note(10.0)
    assert mean.value == 10.0
    for _ in range(50):
        mean.note(2.0)
    assert mean.value == pytest.approx(2.0, abs=0.01)
