"""Everything that ``/metrics`` shows, from where it is counted."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from gateway.access.keys import Keyring
from gateway.access.meter import Meter
from gateway.siblings import ALONE, Siblings
from gateway.telemetry.merged import merged
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.use_metrics import use_families


class Sight:
    """What ``measured`` and ``meter`` count, the limits of the keys in ``keyring`` with it.

    What ``siblings``, the other workers, count is added; the meter's is that of all workers already.
    """

    def __init__(self, measured: Metrics, meter: Meter, keyring: Keyring, siblings: Siblings = ALONE) -> None:
        self._measured = measured
        self._meter = meter
        self._keyring = keyring
        self._siblings = siblings

    async def seen(self) -> CollectorRegistry:
        """All metrics as they are now. Raises ``Unavailable`` when a worker does not answer."""
        others = [told for told in await self._siblings.ask("metrics") if told is not None]
        counted = merged(self._measured.registry.collect(), others)
        seen = CollectorRegistry()
        seen.register(_Seen([*counted, *await use_families(self._meter, self._keyring.callers)]))
        return seen


class _Seen(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)
