"""The meters, that of one process and that of several with a real redis-server: the same rules for both."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from adapters.options import Secret
from gateway.access.caller import Caller
from gateway.access.limits import Limits
from gateway.access.meter import LocalMeter, Meter
from gateway.access.redis_meter import RedisMeter
from gateway.access.standing import LimitReached, NothingAllowed
from gateway.access.usage import Place, Use, day_of
from tests.support.redis_server import redis_server

TODAY = day_of(time.time())


@asynccontextmanager
async def local(limits: Limits) -> AsyncGenerator[Meter, None]:
    yield LocalMeter(limits, 31)


@asynccontextmanager
async def remote(limits: Limits) -> AsyncGenerator[Meter, None]:
    with redis_server() as (url, _):
        meter = RedisMeter(Secret(url), LocalMeter(limits, 31))
        yield meter
        await meter.aclose()


KINDS = pytest.mark.parametrize("metered", [local, remote])
Metered = Callable[[Limits], "AsyncGenerator[Meter, None]"]


def caller(name: str = "ann", **limits: int) -> Caller:
    return Caller(name=name, limits=msgspec.convert(limits, Limits))


@KINDS
async def test_requests_past_the_limit_are_refused_and_not_counted(metered) -> None:  # type: ignore[no-untyped-def]
    ann = caller(requests_per_day=2)
    async with metered(Limits()) as meter:
        first, second, third, fourth = [await meter.take(ann, "turns") for _ in range(4)]
    assert [taken.refusal for taken in (first, second)] == [None, None]
    assert isinstance(third.refusal, LimitReached)
    assert "requests per day of this API key: limit 2, used 2" in third.refusal.message
    assert first.standing.headers()["x-ratelimit-remaining-requests"] == "1"
    assert fourth.standing.headers()["x-ratelimit-remaining-requests"] == "0"


@KINDS
async def test_all_callers_together_have_limits_too(metered) -> None:  # type: ignore[no-untyped-def]
    async with metered(Limits(requests_per_day=2)) as meter:
        taken = [await meter.take(caller(name), "turns") for name in ("ann", "bob", "cid")]
    assert [one.refusal is None for one in taken] == [True, True, False]
    assert "all clients together" in str(taken[2].refusal)


@KINDS
async def test_one_caller_does_not_use_up_what_is_anothers(metered) -> None:  # type: ignore[no-untyped-def]
    async with metered(Limits()) as meter:
        taken = [await meter.take(caller(name, requests_per_day=1), "turns") for name in ("ann", "bob", "ann")]
    assert [one.refusal is None for one in taken] == [True, True, False]


@KINDS
@pytest.mark.parametrize("kind", ["turns", "sessions"])
async def test_so_many_at_once_until_one_has_ended(metered, kind) -> None:  # type: ignore[no-untyped-def]
    ann, other = caller("ann", **{f"{kind}_at_once": 2}), "turns" if kind == "sessions" else "sessions"
    async with metered(Limits()) as meter:
        first, second, third = [await meter.take(ann, kind) for _ in range(3)]
        assert (first.refusal, second.refusal) == (None, None)
        assert isinstance(third.refusal, LimitReached)
        assert (await meter.take(ann, other)).refusal is None
        meter.leave("ann", kind, third)  # it has nothing to give back
        assert (await meter.take(ann, kind)).refusal is not None
        meter.leave("ann", kind, first)
        assert (await meter.take(ann, kind)).refusal is None
        assert (await meter.take(ann, kind)).refusal is not None


@KINDS
async def test_a_place_and_its_request_can_be_taken_one_after_the_other(metered) -> None:  # type: ignore[no-untyped-def]
    ann = caller(requests_per_day=2, turns_at_once=1)
    async with metered(Limits()) as meter:
        place = await meter.take(ann, "turns", 0)
        assert (place.refusal, place.standing.headers()["x-ratelimit-remaining-requests"]) == (None, "2")
        assert "turns at once" in str((await meter.take(ann, "turns", 0)).refusal)
        request = await meter.take(ann, None)
        assert (request.refusal, request.standing.headers()["x-ratelimit-remaining-requests"]) == (None, "1")
        meter.leave("ann", "turns", place)
        assert meter.under_way()["turns", "ann"] == 0
        whole = await meter.take(ann, "turns")
        assert whole.refusal is None
        assert "requests per day" in str((await meter.take(ann, None)).refusal)
        meter.leave("ann", "turns", whole)
        assert "requests per day" in str((await meter.take(ann, "turns", 0)).refusal), "it could become none"


@KINDS
async def test_what_was_charged_is_missing_from_then_on(metered) -> None:  # type: ignore[no-untyped-def]
    ann = caller(tokens_per_day=10, speech_characters_per_day=100)
    async with metered(Limits(audio_seconds_per_day=60)) as meter:
        meter.charge(Place(day=TODAY, key="ann", route="m"), Use(turns=1, input_tokens=7, output_tokens=5))
        meter.charge(Place(day=TODAY, key="bob", route="m"), Use(turns=1, audio_seconds=60.5))
        standing = (await meter.take(ann, "turns")).standing
    assert standing.refusal(("tokens",)) is not None, "the window went over, and is spent"
    assert standing.refusal(("audio_seconds",)) is not None
    assert standing.refusal(("requests", "speech_characters")) is None


@KINDS
async def test_a_limit_of_nought_refuses_for_ever(metered) -> None:  # type: ignore[no-untyped-def]
    async with metered(Limits()) as meter:
        for limits in ({"requests_per_minute": 0}, {"turns_at_once": 0}):
            assert isinstance((await meter.take(caller("ann", **limits), "turns")).refusal, NothingAllowed)


@KINDS
async def test_use_is_kept_by_key_day_and_route(metered) -> None:  # type: ignore[no-untyped-def]
    places = [
        Place(day=TODAY, key="ann", route="m"),
        Place(day=TODAY, key='b"ob', route="m"),
        Place(day=TODAY, key="ann", route="n/x"),
        Place(day=TODAY, key="ann", route="m", speculative=True),
    ]
    use = Use(turns=1, audio_seconds=0.25, speech_characters=3, speech_seconds=1.5, input_tokens=4, output_tokens=5)
    async with metered(Limits()) as meter:
        for place in (*places, places[0]):
            meter.charge(place, use)
        assert await meter.used() == {**dict.fromkeys(places, use), places[0]: use + use}
