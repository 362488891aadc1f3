"""Use as metrics: today's, of every key and route, speculative use with it."""

import time

from gateway.access.limits import Limits
from gateway.access.meter import LocalMeter
from gateway.access.usage import Place, Use, day_of
from gateway.telemetry.use_metrics import use_families


async def test_only_todays_use_is_shown() -> None:
    meter = LocalMeter(Limits(), 31)
    today, yesterday = day_of(time.time()), day_of(time.time() - 86_400)
    for day, speculative, turns in ((today, False, 2), (today, True, 1), (yesterday, False, 50)):
        meter.charge(Place(day=day, key="ann", route="m", speculative=speculative), Use(turns=turns, input_tokens=7))
    usage, limit, used = await use_families(meter, [])
    shown = {sample.labels["quantity"]: sample.value for sample in usage.samples}
    assert (shown["turns"], shown["input_tokens"], shown["output_tokens"]) == (3, 14, 0)
    assert limit.samples == used.samples == []
