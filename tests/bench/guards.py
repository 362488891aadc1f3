"""Measures what a guard adds to a voice turn: to its first audio, and to the pauses that a listener hears later.

Run as ``python -m tests.bench.guards``; see the README beside it.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from statistics import median

import httpx
import msgspec

from adapters import scripted
from adapters.contract import guard
from gateway.engines.guards import Guards
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import ServedRoute
from gateway.settings.load import load
from tests.support.http_client import ROUTE, form
from tests.support.scripted_guard import ScriptedGuard, guards_of
from tests.support.server import scripted_engines, served

ANSWER = ("The weather is fine over here. ", "It will stay so until the evening. ", "Then it may rain a little. ") * 2
BYTES_PER_SECOND = 48_000
"""Of pcm at 24 kHz."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How many turns for each delay of a guard, in seconds, and how the engines behave."""

    turns: int = 10
    delays: tuple[float, ...] = (0.02, 0.1, 0.3)
    word: float = 0.02
    """Seconds before each word of the model."""
    speaking: float = 0.1
    """Seconds before the first sound of each utterance."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds to the first audio, and the longest that a listener waits for sound after it."""

    first_audio: float
    longest_wait: float


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Medians in milliseconds for a guard that takes ``delay`` seconds, and for none in the same run."""

    delay: float
    bare_first: float
    guarded_first: float
    bare_wait: float
    guarded_wait: float


def gateway(plan: Plan, delay: float | None) -> Gateway:
    """A gateway whose answers a guard judges in ``delay`` seconds a clause, or none."""

    async def judge(_request: guard.Request) -> bool:
        await asyncio.sleep(delay or 0.0)
        return False

    words = [f"{word} " for sentence in ANSWER for word in sentence.split()]
    engines = scripted_engines(
        llm=scripted.language_model(scripted.answering(*words, pause=plan.word)),
        tts=scripted.synthesiser(scripted.ToneVoice(seconds_per_character=0.06, pause=plan.speaking)),
    )
    loaded = load(["--stream_batch_sentences", "1"], {})
    guards = Guards() if delay is None else guards_of(ScriptedGuard(judge=judge), on=("answer",), timeout_seconds=10)
    return Gateway(loaded.settings, [ServedRoute(route=loaded.routes[0], engines=engines, guards=guards)])


async def turn(client: httpx.AsyncClient) -> Turn:
    """One voice turn, its audio played as it arrives."""
    asked = time.perf_counter()
    begun = heard = wait = 0.0
    async with client.stream("POST", ROUTE, **form(fields={"response_format": "pcm"})) as response:
        assert response.status_code == 200
        async for chunk in response.aiter_raw():
            now = time.perf_counter()
            begun = begun or now
            wait = max(wait, now - begun - heard)
            heard = max(heard, now - begun) + len(chunk) / BYTES_PER_SECOND
    return Turn(first_audio=begun - asked, longest_wait=wait)


async def turns(plan: Plan, delay: float | None) -> list[Turn]:
    """The turns of one gateway, after one that warms it up."""
    async with (
        served(gateway(plan, delay)) as address,
        httpx.AsyncClient(base_url=address, timeout=60) as client,
    ):
        await turn(client)
        return [await turn(client) for _ in range(plan.turns)]


async def measure(plan: Plan) -> list[Row]:
    """A row for each delay."""
    rows = []
    for delay in plan.delays:
        bare, guarded = await turns(plan, None), await turns(plan, delay)
        rows.append(
            Row(
                delay=delay,
                bare_first=_middle([each.first_audio for each in bare]),
                guarded_first=_middle([each.first_audio for each in guarded]),
                bare_wait=_middle([each.longest_wait for each in bare]),
                guarded_wait=_middle([each.longest_wait for each in guarded]),
            )
        )
    return rows


def _middle(seconds: Sequence[float]) -> float:
    return median(seconds) * 1000


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The rows as lines of Markdown."""
    yield "| a guard takes, ms | first audio: without, ms | with, ms | longest wait later: without, ms | with, ms |"
    yield "|--:|--:|--:|--:|--:|"
    for row in rows:
        yield (
            f"| {row.delay * 1000:.0f} | {row.bare_first:.0f} | {row.guarded_first:.0f} "
            f"| {row.bare_wait:.0f} | {row.guarded_wait:.0f} |"
        )


if __name__ == "__main__":
    print("\n".join(table(asyncio.run(measure(Plan())))))
