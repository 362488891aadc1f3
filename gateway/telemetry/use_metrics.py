"""What callers used and may still use, as metrics for Prometheus, from where limits are counted."""

import time
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.access.caller import Caller
from gateway.access.meter import Meter
from gateway.access.usage import Place, Use, day_of
from gateway.access.windows import Window


class AtOnceCollector(Collector):
    """Tells what is under way in this process; those of several workers are added up, as their turns are."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def collect(self) -> Iterator[Metric]:
        """Turns and sessions that are under way."""
        family = GaugeMetricFamily(
            "speech_gateway_at_once", "Turns and sessions that are under way.", labels=("key", "kind")
        )
        for (kind, key), count in self._meter.under_way().items():
            family.add_metric([key, kind], count)
        yield family


async def use_families(meter: Meter, callers: Iterable[Caller]) -> list[Metric]:
    """Today's use of each key at each route, as ``GET /v1/usage`` has it, and how ``callers`` stand to their limits."""
    used, standings = await meter.used(), await meter.standings(callers)
    return [_usage(used), *_limits(standings)]


def _usage(used: Mapping[Place, Use]) -> Metric:
    today = day_of(time.time())
    total: dict[tuple[str, str], Use] = {}
    for place, use in used.items():
        if place.day == today:
            account = place.key, place.route
            total[account] = total.get(account, Use()) + use
    family = GaugeMetricFamily(
        "speech_gateway_usage_today", "What was used since midnight (UTC).", labels=("key", "route", "quantity")
    )
    for (key, route), use in total.items():
        for quantity, amount in msgspec.structs.asdict(use).items():
            family.add_metric([key, route, quantity], amount)
    return family


def _limits(standings: Mapping[str, tuple[Window, ...]]) -> Iterator[Metric]:
    labels = ("key", "quantity", "period")
    limit = GaugeMetricFamily("speech_gateway_limit", "The most that may be used.", labels=labels)
    used = GaugeMetricFamily("speech_gateway_limit_used", "How much of it counts as used now.", labels=labels)
    for key, windows in standings.items():
        for window in windows:
            place = [key, window.quantity, window.period]
            limit.add_metric(place, window.limit)
            used.add_metric(place, window.used)
    yield from (limit, used)
