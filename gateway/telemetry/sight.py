"""Everything that ``/metrics`` shows, from where it is counted."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from gateway.access.keys import Keyring
from gateway.access.meter import Meter
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.use_metrics import use_families


class Sight:
    """What ``measured`` and ``meter`` count, the limits of the keys in ``keyring`` with it."""

    def __init__(self, measured: Metrics, meter: Meter, keyring: Keyring) -> None:
        self._measured = measured
        self._meter = meter
        self._keyring = keyring

    async def seen(self) -> CollectorRegistry:
        """All metrics as they are now."""
        seen = CollectorRegistry()
        seen.register(
            _Seen([*self._measured.registry.collect(), *await use_families(self._meter, self._keyring.callers)])
        )
        return seen


class _Seen(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)
