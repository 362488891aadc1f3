"""The state of the engines as metrics for Prometheus, looked at when it asks for them."""

from collections.abc import Callable, Iterable, Iterator

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

LABELS = ("stage", "engine", "route", "upstream")


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One engine now, and what it counted since the start; ``None`` for what it does not have.

    ``route`` is the first that uses it. ``running``, ``waiting``, ``coming`` and ``refused`` are as in the state of its
    queue, ``places`` is how many it serves at once. ``retries`` are requests that were sent again to its server.
    ``circuits_open`` are models of it, or itself, that are not asked for a while because they failed repeatedly.
    ``upstream`` names the server, where a model has several; of each, ``pending`` requests run now, ``requests`` were
    sent to it, and ``failures`` of them another one had to answer.
    """

    stage: str
    engine: str
    route: str
    upstream: str = ""
    pending: int | None = None
    requests: int | None = None
    failures: int | None = None
    places: int | None = None
    running: int | None = None
    waiting: int | None = None
    coming: int | None = None
    refused: int | None = None
    retries: int | None = None
    circuits_open: int | None = None
    cache_hits: int | None = None
    cache_misses: int | None = None


class EngineCollector(Collector):
    """Reads ``statuses`` whenever the metrics are asked for."""

    def __init__(self, statuses: Callable[[], Iterable[EngineStatus]]) -> None:
        self._statuses = statuses

    def collect(self) -> Iterator[Metric]:
        """All metrics of engines, also of those without a value."""
        statuses = tuple(self._statuses())
        for field, kind, name, description in _METRICS:
            family = kind(f"speech_gateway_{name}", description, labels=LABELS)
            for status in statuses:
                if (value := getattr(status, field)) is not None:
                    family.add_metric([getattr(status, label) for label in LABELS], value)
            yield family


_METRICS = (
    ("places", GaugeMetricFamily, "engine_places", "How many requests an engine serves at once."),
    ("running", GaugeMetricFamily, "engine_running", "Requests that an engine serves now."),
    ("waiting", GaugeMetricFamily, "engine_waiting", "Requests that wait for an engine."),
    ("coming", GaugeMetricFamily, "engine_coming", "Turns that were admitted and will ask an engine."),
    ("refused", CounterMetricFamily, "engine_refused", "Requests that were refused because too many waited."),
    ("pending", GaugeMetricFamily, "upstream_pending", "Requests that run at an upstream of a route now."),
    ("requests", CounterMetricFamily, "upstream_requests", "Requests that were sent to an upstream of a route."),
    ("failures", CounterMetricFamily, "upstream_failures", "Those that failed before an answer; others were asked."),
    ("retries", CounterMetricFamily, "upstream_retries", "Requests that were sent again to an engine's server."),
    ("circuits_open", GaugeMetricFamily, "circuits_open", "Circuits of an engine that are open: it is not asked."),
    ("cache_hits", CounterMetricFamily, "speech_cache_hits", "Utterances whose speech was kept."),
    ("cache_misses", CounterMetricFamily, "speech_cache_misses", "Utterances that had to be synthesised."),
)
"""By field of ``EngineStatus``."""
