"""Metrics of several processes as those of one: how they are sent, and how they are added up."""

from collections.abc import Iterable

import msgspec
from prometheus_client.core import Metric

Labels = tuple[tuple[str, str], ...]

LEAST = {"process_start_time_seconds"}
"""Samples of which the least is told, that of the process which has run for longest; all others are added up."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A metric with its samples: the name of each, its labels, its value."""

    name: str
    documentation: str
    type: str
    samples: list[tuple[str, Labels, float]]


def packed(metrics: Iterable[Metric]) -> bytes:
    """``metrics`` for another process."""
    return msgspec.msgpack.encode([_family(metric) for metric in metrics])


def merged(metrics: Iterable[Metric], others: Iterable[bytes]) -> list[Metric]:
    """``metrics`` and what other processes have ``packed``, as one."""
    families = [_family(metric) for metric in metrics]
    for other in others:
        families += msgspec.msgpack.decode(other, type=list[Family])
    found: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, Labels], float]] = {}
    for family in families:
        found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
        sums = values.setdefault(family.name, {})
        for name, labels, value in family.samples:
            place = name, labels
            known = sums.get(place)
            sums[place] = value if known is None else min(known, value) if name in LEAST else known + value
    for name, metric in found.items():
        for (sample, labels), value in values[name].items():
            metric.add_sample(sample, dict(labels), value)
    return list(found.values())


def _family(metric: Metric) -> Family:
    samples = [(each.name, tuple(sorted(each.labels.items())), float(each.value)) for each in metric.samples]
    return Family(name=metric.name, documentation=metric.documentation, type=metric.type, samples=samples)
