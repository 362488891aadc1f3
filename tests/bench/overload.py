"""Offers voice turns at and above what the engines can serve: who is admitted, and how long those wait for audio.

Run as ``python -m tests.bench.overload``; prints a table. Arrivals do not wait for answers, as those of people do not.
"""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Iterator

import httpx
import msgspec

from adapters import scripted
from adapters.contract import tts
from gateway.engines.queue import QueuedEngine, QueueLimits
from gateway.engines.route import Engines
from tests.support.http_client import ROUTE, form
from tests.support.server import gateway_with_routes, served

HEARING, WRITING, SPEAKING = 0.1, 0.2, 0.1
"""Seconds that a recogniser holds a place for a recording, a model before each sentence, a voice for an utterance."""

TURNS_A_SECOND = 10.0
"""What the voice can serve, the narrowest of the three: two utterances a turn at two places."""

WARM_UP = 10
"""Turns that are not counted: how long a place is held is learnt from them."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How long to offer turns, at which multiples of the capacity, and the longest waits to compare."""

    seconds: float
    multiples: tuple[float, ...]
    waits: tuple[float, ...]


FULL = Plan(seconds=15.0, multiples=(1.0, 3.0), waits=(0.5, 10.0))
QUICK = Plan(seconds=1.0, multiples=(3.0,), waits=(0.5,))


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds to the first audio of admitted turns, and how all turns ended."""

    wait: float
    multiple: float
    offered: int
    refused: int
    broken: int
    p50: float
    p95: float


def engines(wait: float) -> Engines:
    """Engines of fixed times behind queues with the longest wait ``wait``."""

    async def speaking(request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        await asyncio.sleep(SPEAKING)
        yield tts.AudioChunk(pcm=bytes(4800))
        yield tts.Finished(seconds=0.1, characters=len(request.text))

    limits = QueueLimits(length=64, seconds=wait)
    recogniser = scripted.recogniser("what did you say", pause=HEARING)
    model = scripted.language_model(scripted.answering("Hello there. ", "How are you?", pause=WRITING))
    voice = scripted.synthesiser()
    voice.script = speaking
    for engine, places in ((recogniser, 4), (model, 8), (voice, 2)):
        engine.info = msgspec.structs.replace(engine.info, max_parallel=places)
    return Engines(
        stt=QueuedEngine("recogniser", recogniser, limits),
        llm=QueuedEngine("model", model, limits),
        tts=QueuedEngine("voice", voice, limits),
    )


async def turn(client: httpx.AsyncClient) -> float | None:
    """Seconds to the first audio of a turn, ``None`` when it was refused. Raises ``HTTPError`` when it breaks off."""
    begun = time.perf_counter()
    async with client.stream("POST", ROUTE, **form(fields={"response_format": "pcm"})) as answer:
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            await answer.aread()
            return None
        answer.raise_for_status()
        first = 0.0
        async for _ in answer.aiter_bytes():
            first = first or time.perf_counter() - begun
        return first


async def measure(plan: Plan, wait: float, multiple: float) -> Row:
    """Offer turns at random moments, the same in every run."""
    moments = random.Random(1)
    offered = round(plan.seconds * TURNS_A_SECOND * multiple)
    gateway = gateway_with_routes(engines(wait), [("m", ())])
    limits = httpx.Limits(max_connections=None)
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        for _ in range(WARM_UP):
            await turn(client)

        async def later(seconds: float) -> float | None:
            await asyncio.sleep(seconds)
            return await turn(client)

        begins = [moments.uniform(0, plan.seconds) for _ in range(offered)]
        ended = await asyncio.gather(*map(later, begins), return_exceptions=True)
    first = [seconds * 1000 for seconds in ended if isinstance(seconds, float)]
    cuts = statistics.quantiles(first, n=20)
    return Row(
        wait=wait,
        multiple=multiple,
        offered=offered,
        refused=sum(seconds is None for seconds in ended),
        broken=sum(isinstance(seconds, BaseException) for seconds in ended),
        p50=cuts[9],
        p95=cuts[18],
    )


def table(rows: list[Row]) -> Iterator[str]:
    """The rows in Markdown."""
    yield "| longest wait, s | offered | turns | refused | broken off | first audio p50 / p95, ms |"
    yield "|--:|--:|--:|--:|--:|--:|"
    for row in rows:
        share = row.refused / row.offered
        yield (
            f"| {row.wait:g} | {row.multiple:g} × capacity | {row.offered} | {share:.0%} | {row.broken} "
            f"| {row.p50:.0f} / {row.p95:.0f} |"
        )


def main(plan: Plan) -> list[Row]:
    """Measure every row."""
    return [asyncio.run(measure(plan, wait, multiple)) for wait in plan.waits for multiple in plan.multiples]


if __name__ == "__main__":
    print("\n".join(table(main(QUICK if "--quick" in sys.argv else FULL))))
