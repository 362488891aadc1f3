"""The metrics of several processes are those of one, whatever each has seen."""

from collections.abc import Iterator

import prometheus_client
from prometheus_client import CollectorRegistry, Histogram, Metric

from gateway.telemetry.merged import merged, packed
from gateway.telemetry.metrics import Metrics
from tests.support.metrics import Scrape


def shown(*processes: CollectorRegistry) -> Scrape:
    first, *others = processes
    together = merged(first.collect(), [packed(other.collect()) for other in others])

    class Together(CollectorRegistry):
        def collect(self) -> Iterator[Metric]:
            return iter(together)

    return Scrape(prometheus_client.generate_latest(Together()).decode())


def test_counts_are_added_up() -> None:
    one, two, three = Metrics(), Metrics(), Metrics()
    for measured, status, times in ((one, 200, 2), (two, 200, 3), (two, 500, 1)):
        for _ in range(times):
            measured.count_answer("speech", status)
    seen = shown(one.registry, two.registry, three.registry)
    assert seen.value("answers_total", surface="speech", status="200") == 5
    assert seen.value("answers_total", surface="speech", status="500") == 1


def test_histograms_are_added_up_by_bucket() -> None:
    registries = [CollectorRegistry() for _ in range(2)]
    for registry, seconds in zip(registries, (0.5, 5.0), strict=True):
        histogram = Histogram("speech_gateway_x", "X", ("route",), registry=registry, buckets=(1.0, 9.0))
        histogram.labels("a").observe(seconds)
    seen = shown(*registries)
    counts = [seen.value("x_bucket", route="a", le=bound) for bound in ("1.0", "9.0", "+Inf")]
    assert counts == [1, 2, 2]
    assert (seen.value("x_sum"), seen.value("x_count")) == (5.5, 2)


def test_a_gateway_has_run_for_as_long_as_its_oldest_process() -> None:
    registries = [CollectorRegistry() for _ in range(2)]
    for registry, began in zip(registries, (200.0, 100.0), strict=True):
        prometheus_client.Gauge("process_start_time_seconds", "S", registry=registry).set(began)
    together = merged(registries[0].collect(), [packed(registries[1].collect())])
    assert [sample.value for family in together for sample in family.samples] == [100.0]


def test_alone_nothing_changes() -> None:
    measured = Metrics()
    measured.count_answer("speech", 200)
    alone = prometheus_client.generate_latest(measured.registry).decode()
    seen = shown(measured.registry)
    assert seen.families.keys() == Scrape(alone).families.keys()
    assert seen.value("answers_total") == 1
