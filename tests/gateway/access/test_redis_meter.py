"""Limits in a real redis-server: for several gateways, in one round trip, and what happens while it is away."""

import asyncio
import logging
import signal
import time
from typing import Any

import pytest
from redis import asyncio as redis

from adapters.options import BadOption, Secret
from gateway.access import redis_meter
from gateway.access.caller import Caller
from gateway.access.limits import Limits
from gateway.access.meter import LocalMeter
from gateway.access.redis_meter import PREFIX, RedisMeter
from gateway.access.usage import Place, Use, day_of
from tests.support.redis_server import redis_server

ANN = Caller(name="ann", limits=Limits(requests_per_day=3, turns_at_once=2, tokens_per_day=100))
HERE = Place(day=day_of(time.time()), key="ann", route="m")


def meter_at(url: str) -> RedisMeter:
    return RedisMeter(Secret(url), LocalMeter(Limits(), 31))


async def test_gateways_count_together() -> None:
    with redis_server() as (url, _):
        one, other = meter_at(url), meter_at(url)
        taken = [await meter.take(ANN, "turns") for meter in (one, other, one)]
        assert [place.refusal is None for place in taken] == [True, True, False]
        one.leave("ann", "turns", taken[0])
        one.charge(HERE, Use(turns=1, input_tokens=100))
        await one.aclose()
        standing = (await other.take(ANN, "turns")).standing
        assert standing.refusal(("tokens",)) is not None
        assert standing.headers()["x-ratelimit-remaining-requests"] == "0"
        assert await other.used() == {HERE: Use(turns=1, input_tokens=100)}
        await other.aclose()


async def test_how_callers_stand_is_the_same_everywhere() -> None:
    bob = Caller(name="bob")
    with redis_server() as (url, process):
        one, other = meter_at(url), meter_at(url)
        await one.take(ANN, "turns")
        one.charge(HERE, Use(turns=1, input_tokens=40))
        await one.used()  # settles
        found = await other.standings([ANN, bob])
        assert {(window.quantity, window.limit, round(window.used)) for window in found["ann"]} == {
            ("requests", 3, 1),
            ("tokens", 100, 40),
        }
        assert set(found) == {"ann"}, "nobody else has limits"
        assert await other.standings([]) == {}
        process.kill()
        (here,) = [window for window in (await one.standings([ANN]))["ann"] if window.quantity == "tokens"]
        assert here.used == 40
        await one.aclose()
        await other.aclose()


async def test_many_at_once_are_no_more_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_meter, "ANSWER_SECONDS", 10)  # four gateways in one process take longer than one
    ann = Caller(name="ann", limits=Limits(requests_per_day=10))
    with redis_server() as (url, _):
        meters = [meter_at(url) for _ in range(4)]
        taken = await asyncio.gather(*(meter.take(ann, "turns") for meter in meters for _ in range(10)))
        assert sum(place.refusal is None for place in taken) == 10
        for meter in meters:
            await meter.aclose()


async def test_a_request_costs_one_command() -> None:
    with redis_server() as (url, _):
        meter, server = meter_at(url), redis.Redis.from_url(url)
        await meter.take(ANN, "turns")
        meter.charge(HERE, Use(turns=1, input_tokens=5))
        before = (await server.info("commandstats"))["cmdstat_evalsha"]["calls"]
        connections = (await server.info("stats"))["total_connections_received"]
        assert (await meter.take(ANN, "turns")).standing.own[-1].used == 5, "what was used goes with the request"
        assert (await server.info("commandstats"))["cmdstat_evalsha"]["calls"] == before + 1
        assert (await server.info("stats"))["total_connections_received"] == connections
        await meter.aclose()
        await server.aclose()


async def test_while_the_server_is_away_this_process_counts_and_books_it_afterwards(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_meter, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(redis_meter, "ANSWER_SECONDS", 0.2)
    with redis_server() as (url, process), caplog.at_level(logging.INFO):
        meter, server = meter_at(url), redis.Redis.from_url(url)
        attending = asyncio.create_task(meter.attend())
        first = await meter.take(ANN, "turns")
        process.send_signal(signal.SIGSTOP)
        second, third = await meter.take(ANN, "turns"), await meter.take(ANN, "turns")
        assert (second.refusal, third.refusal is None) == (None, False), "the limit of two at once holds here too"
        meter.leave("ann", "turns", first)
        meter.leave("ann", "turns", second)
        meter.charge(HERE, Use(turns=1, output_tokens=7))
        assert await meter.used() == {HERE: Use(turns=1, output_tokens=7)}
        process.send_signal(signal.SIGCONT)
        async with asyncio.timeout(20):
            while "counted at" not in caplog.records[-1].getMessage():
                await asyncio.sleep(0.05)
        standing = (await meter.take(ANN, "turns")).standing
        assert {window.quantity: window.used for window in standing.own} == {"requests": 3, "tokens": 7}
        assert await meter.used() == {HERE: Use(turns=1, output_tokens=7)}
        attending.cancel()
        await meter.aclose()
        await server.aclose()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3
    assert "does not answer as it should (TimeoutError): limits are counted in this process" in said[1]


async def test_an_answer_that_got_lost_is_not_charged_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_meter, "SILENT_SECONDS", 0.0)
    with redis_server() as (url, _):
        meter = meter_at(url)
        meter.charge(HERE, Use(turns=1, output_tokens=7))
        script = meter._script

        async def lossy(**arguments: Any) -> None:
            await script(**arguments)
            raise TimeoutError

        monkeypatch.setattr(meter, "_script", lossy)
        await meter.take(ANN, "turns")
        monkeypatch.setattr(meter, "_script", script)
        meter.charge(HERE, Use(turns=1, output_tokens=1))
        await meter.take(ANN, "turns")
        assert await meter.used() == {HERE: Use(turns=2, output_tokens=8)}
        await meter.aclose()


async def test_the_places_of_a_gateway_that_was_killed_are_free_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_meter, "LEASE_SECONDS", 1.0)
    one_at_once = Caller(name="ann", limits=Limits(turns_at_once=1))
    with redis_server() as (url, _):
        killed, other = meter_at(url), meter_at(url)
        assert (await killed.take(one_at_once, "turns")).refusal is None
        attending = asyncio.create_task(killed.attend())
        await asyncio.sleep(1.5)
        assert (await other.take(one_at_once, "turns")).refusal is not None, "a place that is held is renewed"
        attending.cancel()
        await asyncio.wait([attending])
        async with asyncio.timeout(20):
            while (await other.take(one_at_once, "turns")).refusal is not None:
                await asyncio.sleep(0.1)
        for meter in (killed, other):
            await meter.aclose()


@pytest.mark.parametrize("foreign", ["text", "list", "number"])
async def test_what_others_wrote_under_its_keys_counts_as_absent(foreign: str) -> None:
    with redis_server() as (url, _):
        meter, server = meter_at(url), redis.Redis.from_url(url)
        for key in ("counts:ann", "counts:everybody", "turns:ann", "turns:everybody", f"usage:{HERE.day}"):
            if foreign == "list":
                await server.rpush(PREFIX + key, "x")  # type: ignore[misc, unused-ignore]
            elif foreign == "text":
                await server.set(PREFIX + key, "x")
            elif not key.startswith("turns"):
                await server.hset(
                    PREFIX + key, mapping={"day": "x", "day:requests": "nonsense", '["ann","m",false,"turns"]': "x"}
                )  # type: ignore[misc, unused-ignore]
        assert await meter.used() == {}
        meter.charge(HERE, Use(turns=1, output_tokens=7))
        standing = (await meter.take(ANN, "turns")).standing
        assert {window.quantity: window.used for window in standing.own} == {"requests": 1, "tokens": 7}
        assert await meter.used() == {HERE: Use(turns=1, output_tokens=7)}
        await meter.aclose()
        await server.aclose()


async def test_nothing_is_kept_for_ever() -> None:
    with redis_server() as (url, _):
        meter, server = meter_at(url), redis.Redis.from_url(url)
        await meter.take(ANN, "turns")
        meter.charge(HERE, Use(turns=1, output_tokens=7))
        await meter.aclose()
        keys = [key if isinstance(key, str) else key.decode() for key in await server.keys("*")]
        assert len(keys) == 5
        assert all(key.startswith(PREFIX) for key in keys)
        assert all([0 < await server.ttl(key) <= 31 * 86_400 for key in keys])
        await server.aclose()


def test_an_address_that_cannot_be_is_refused_without_repeating_it() -> None:
    with pytest.raises(BadOption, match="--usage_store cannot be used") as caught:
        meter_at("http://user:hunter2@host")
    assert "hunter2" not in str(caught.value)
