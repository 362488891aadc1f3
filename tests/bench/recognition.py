"""Measures the recogniser faster-whisper against its library called by hand in a loop, in the same run.

Run as ``python -m tests.bench.recognition``; see the README beside it. ``--model`` takes a size or a folder, else the
whisper-base of ``tests/models/real.py`` is used.
"""

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from statistics import median
from typing import Any

import msgspec
import numpy as np
import soxr

from adapters.contract import stt
from adapters.contract.checks import read
from adapters.stt.faster_whisper.adapter import FasterWhisper
from adapters.tts.espeak import library
from tests.models import real

RATE = 16_000
TEXT = (
    "Please turn off the lights in the kitchen. I would like a cup of coffee with milk. The weather tomorrow will be "
    "cold and rainy. How many people live in New York today? We need to buy bread, butter and cheese. This machine can "
    "understand what people say. He opened the window because it was very hot. Could you tell me the way to the "
    "station? It was a dark and stormy night, and the rain fell in torrents. She reads a book every evening."
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Recordings of so many ``seconds`` for so many ``callers``, each ``rounds`` times."""

    seconds: tuple[int, ...]
    callers: tuple[int, ...]
    rounds: int


FULL = Plan(seconds=(2, 10, 30), callers=(1, 4, 8), rounds=3)
QUICK = Plan(seconds=(2,), callers=(1, 2), rounds=1)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of audio recognised in a second: by the engine, by it in windows of 30 s, and by hand."""

    seconds: int
    callers: int
    engine: float
    full_windows: float
    by_hand: float


def speech(seconds: int) -> bytes:
    """Speech (s16le mono at 16 kHz) of exactly this length."""
    pcm = np.frombuffer(library.synthesise(TEXT, "gmw/en-US", 1.0), np.int16)
    samples = soxr.resample(pcm, library.inventory().sample_rate, RATE)
    return bytes(np.resize(samples, seconds * RATE).astype("<i2").tobytes())


async def _once(pcm: bytes) -> AsyncIterator[bytes]:
    yield pcm


async def _through(engine: FasterWhisper, pcm: bytes, callers: int) -> float:
    started = time.perf_counter()
    requests = [stt.Request(audio=_once(pcm), language="en") for _ in range(callers)]
    await asyncio.gather(*(read(engine.stream(request)) for request in requests))
    return callers * len(pcm) / 2 / RATE / (time.perf_counter() - started)


def _by_hand(model: Any, pcm: bytes, callers: int) -> float:
    started = time.perf_counter()
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    for _ in range(callers):
        segments, _info = model.transcribe(samples, language="en", beam_size=1)
        assert "".join(segment.text for segment in segments)
    return callers * len(pcm) / 2 / RATE / (time.perf_counter() - started)


async def measure(plan: Plan, model: str) -> list[Row]:
    """Every length with every number of callers; rates are medians of the rounds, which take turns."""
    from faster_whisper import WhisperModel  # noqa: PLC0415 - of an extra

    library_model = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=min(8, os.cpu_count() or 1))
    options = FasterWhisper.Options(stt_model=model, stt_device="cpu")
    full = msgspec.structs.replace(options, stt_short_windows=False)
    rows = []
    async with aclosing(FasterWhisper(options)) as engine, aclosing(FasterWhisper(full)) as full_windows:
        await engine.warm_up()
        await full_windows.warm_up()
        for seconds in plan.seconds:
            pcm = speech(seconds)
            for callers in plan.callers:
                rounds = [
                    (
                        await _through(engine, pcm, callers),
                        await _through(full_windows, pcm, callers),
                        _by_hand(library_model, pcm, callers),
                    )
                    for _ in range(plan.rounds)
                ]
                short, whole, by_hand = (median(column) for column in zip(*rounds, strict=True))
                rows.append(Row(seconds=seconds, callers=callers, engine=short, full_windows=whole, by_hand=by_hand))
    return rows


def table(rows: list[Row]) -> Iterator[str]:
    """The lines of a Markdown table."""
    yield "| recording | callers | engine | in windows of 30 s | by hand |"
    yield "|---|---|---|---|---|"
    for row in rows:
        rates = f"{row.engine:.1f} | {row.full_windows:.1f} | {row.by_hand:.1f}"
        yield f"| {row.seconds} s | {row.callers} | {rates} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a size or a folder")
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    given = parser.parse_args()
    model = given.model or str(real.fetch("whisper-base"))
    print(f"load {os.getloadavg()[0]:.1f}; seconds of audio recognised in a second")
    print(*table(asyncio.run(measure(QUICK if given.quick else FULL, model))), sep="\n")


if __name__ == "__main__":
    main()
