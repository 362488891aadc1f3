"""Offers turns: a fixed number of speakers, each taking one turn after another."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import msgspec


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """So many speakers at once, each of whom takes so many turns of about ``turn_seconds``."""

    speakers: int
    turns: int
    turn_seconds: float


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What a load took: seconds to first audio of every turn, and the processor's seconds of all together."""

    first_audio: list[float]
    cpu_seconds: float


async def offer(take: Callable[[], Awaitable[float]], load: Load) -> list[float]:
    """Run the load and give what ``take`` gave for every turn.

    Speakers begin at random moments of the first turn's length, drawn alike in every run: nobody speaks in unison.
    """
    moments = random.Random(load.speakers)

    async def speak(begin: float) -> list[float]:
        await asyncio.sleep(begin)
        return [await take() for _ in range(load.turns)]

    begins = [moments.uniform(0, load.turn_seconds) for _ in range(load.speakers)]
    spoken = await asyncio.gather(*map(speak, begins))
    return [seconds for turns in spoken for seconds in turns]
