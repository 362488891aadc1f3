"""Admission: who is promised what, and that nothing of it outlives the request."""

import asyncio

import pytest

from adapters.contract.errors import Unavailable
from gateway.engines.admission import Admission, current_admission


class Door:
    """A queue that refuses or not."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.coming = 0
        self.refuses = refuses

    def refusal(self) -> Unavailable | None:
        return Unavailable("busy") if self.refuses else None


async def test_the_first_queue_that_can_admits() -> None:
    busy, free, other = Door(refuses=True), Door(), Door()
    current = Admission()
    current.ask([busy, free, other], first=True)
    assert [door.coming for door in (busy, free, other)] == [0, 1, 0]
    assert [current.admitted(door) for door in (busy, free, other)] == [False, True, False]


async def test_an_engine_without_a_queue_always_admits() -> None:
    busy, never = Door(refuses=True), Door()
    Admission().ask([busy, None, never], first=True)
    assert (busy.coming, never.coming) == (0, 0)
    with pytest.raises(Unavailable):
        Admission().ask([busy], first=False)


async def test_only_the_queue_with_which_a_turn_begins_may_still_refuse_it() -> None:
    first, later = Door(), Door()
    current = Admission()
    current.ask([first], first=True)
    current.ask([later], first=False)
    assert (current.privileged(first), current.privileged(later)) == (False, True)
    current.begin()
    assert current.privileged(first)
    assert not current.privileged(Door()), "another queue has promised nothing"


async def test_a_turn_is_to_come_until_it_comes() -> None:
    door = Door()
    current = Admission()
    current.ask([door], first=True)
    current.ask([door], first=False)
    assert door.coming == 1
    lead = current.arrive(door)
    assert lead is not None
    assert lead >= 0
    assert (door.coming, current.arrive(door)) == (0, None)


async def test_nothing_outlives_the_request_but_what_it_started_still_sees_that_it_is_over() -> None:
    door, over = Door(), asyncio.Event()

    async def left_running() -> bool:
        await over.wait()
        current = current_admission()
        return current is not None and current.privileged(door)

    with Admission() as current:
        current.ask([door], first=False)
        task = asyncio.create_task(left_running())
        await asyncio.sleep(0)
    assert (current_admission(), door.coming) == (None, 0)
    over.set()
    assert not await task
