"""Use as metrics: today's, of every key and route, speculative use with it."""

import time

from gateway.access.caller import Caller
from gateway.access.limits import Limits
from gateway.access.meter import LocalMeter
from gateway.access.usage import Place, Use, day_of
from gateway.telemetry.use_metrics import AtOnceCollector, use_families


async def test_only_todays_use_is_shown() -> None:
    meter = LocalMeter(Limits(), 31)
    today, yesterday = day_of(time.time()), day_of(time.time() - 86_400)
    for day, speculative, turns in ((today, False, 2), (today, True, 1), (yesterday, False, 50)):
        meter.charge(Place(day=day, key="ann", route="m", speculative=speculative), Use(turns=turns, input_tokens=7))
    usage, limit, used = await use_families(meter, [])
    shown = {sample.labels["quantity"]: sample.value for sample in usage.samples}
    assert (shown["turns"], shown["input_tokens"], shown["output_tokens"]) == (3, 14, 0)
    assert limit.samples == used.samples == []


async def test_what_is_under_way_is_shown_until_it_ends() -> None:
    meter, ann = LocalMeter(Limits(), 31), Caller(name="ann", limits=Limits(sessions_at_once=2))
    taken = [await meter.take(ann, "sessions") for _ in range(3)]

    def shown() -> dict[str, float]:
        (family,) = AtOnceCollector(meter).collect()
        return {sample.labels["key"]: sample.value for sample in family.samples if sample.labels["kind"] == "sessions"}

    assert shown() == {"ann": 2, "everybody": 2}, "the refused one is none"
    for each in taken:
        meter.leave("ann", "sessions", each)
    assert shown() == {"ann": 0, "everybody": 0}
