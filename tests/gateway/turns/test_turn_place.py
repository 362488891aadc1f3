"""The place of a turn that no request of its own asks for."""

import pytest

from adapters.contract.errors import Overloaded, Unavailable
from gateway.access.caller import Caller
from gateway.access.limits import Limits
from gateway.access.meter import LocalMeter
from gateway.engines.admission import current_admission
from gateway.engines.route import STAGES, ServedRoute
from gateway.settings.load import load
from gateway.turns.turn_place import turn_place
from tests.support.server import scripted_engines

CALLER = Caller(name="phone", limits=Limits(turns_at_once=1, requests_per_minute=3))


def meter() -> LocalMeter:
    return LocalMeter(Limits(), 1)


def ready() -> ServedRoute:
    served = ServedRoute(route=load([], {}).routes[0], engines=scripted_engines())
    for stage in STAGES:
        served.settle(stage, None)
    return served


async def test_it_is_counted_while_it_lasts_and_admitted() -> None:
    counts, served = meter(), ready()
    async with turn_place(counts, CALLER, served, STAGES) as standing:
        assert current_admission() is not None
        assert [limit.remaining for limit in standing.shown()] == [2]
        with pytest.raises(Overloaded):
            async with turn_place(counts, CALLER, served, STAGES):
                pass
    async with turn_place(counts, CALLER, served, STAGES):
        pass


async def test_what_may_be_thrown_away_has_a_place_and_is_no_request() -> None:
    counts, served = meter(), ready()
    for _ in range(4):
        async with turn_place(counts, CALLER, served, STAGES, 0) as standing:
            assert [limit.remaining for limit in standing.shown()] == [3]
            with pytest.raises(Overloaded):
                async with turn_place(counts, CALLER, served, STAGES):
                    pass


async def test_a_refused_turn_takes_no_place() -> None:
    counts = meter()
    loading = ServedRoute(route=load([], {}).routes[0], engines=scripted_engines())
    with pytest.raises(Unavailable, match="loading"):
        async with turn_place(counts, CALLER, loading, STAGES):
            pass
    async with turn_place(counts, CALLER, ready(), STAGES):
        pass


async def test_a_limit_that_is_reached_is_told() -> None:
    counts, served = meter(), ready()
    for _ in range(3):
        async with turn_place(counts, CALLER, served, STAGES):
            pass
    with pytest.raises(Overloaded, match="requests per minute"):
        async with turn_place(counts, CALLER, served, STAGES):
            pass
