"""Measures what metrics cost: their processor time a turn, as a share of a whole turn's in the same run.

Run as ``python -m tests.bench.observers``.
"""

import asyncio
import time

import httpx

from gateway.telemetry.metrics import Metrics
from tests.support.chat_client import ROUTE, asked
from tests.support.outcomes import outcome, start
from tests.support.server import gateway_of, scripted_engines, served

TURNS = 300
REPORTS = 20_000


def observer_seconds(reports: int) -> float:
    """Processor seconds that metrics take for one turn, its beginning and its end."""
    observe = Metrics().observe
    turn, ended = start(), outcome()
    observe(turn)(ended)
    begun = time.process_time()
    for _ in range(reports):
        observe(turn)(ended)
    return (time.process_time() - begun) / reports


async def turn_seconds(turns: int) -> float:
    """Processor seconds of a text turn over a socket, its client included."""
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        await client.post(ROUTE, **asked())
        begun = time.process_time()
        for _ in range(turns):
            await client.post(ROUTE, **asked())
        return (time.process_time() - begun) / turns


def share(turns: int, reports: int) -> tuple[float, float]:
    """Seconds that metrics take for a turn, and those of the turn."""
    return observer_seconds(reports), asyncio.run(turn_seconds(turns))


if __name__ == "__main__":
    metrics, turn = share(TURNS, REPORTS)
    print(f"metrics {metrics * 1e6:.1f} us of a turn's {turn * 1e6:.0f} us: {metrics / turn:.2%}")
