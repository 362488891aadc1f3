"""What a gateway says at ``/metrics``, read as Prometheus reads it."""

from collections.abc import Mapping
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of ``name`` (without its prefix) that have these labels."""
        full = f"speech_gateway_{name}"
        samples = [sample for family in self.families.values() for sample in family.samples if sample.name == full]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def labels(self, name: str) -> list[Mapping[str, Any]]:
        """The labels of all samples of ``name`` (without its prefix)."""
        full = f"speech_gateway_{name}"
        return [s.labels for family in self.families.values() for s in family.samples if s.name == full]


async def scrape(client: httpx.AsyncClient) -> Scrape:
    """Ask for the metrics."""
    response = await client.get("/metrics")
    assert response.status_code == 200, response.text
    return Scrape(response.text)
