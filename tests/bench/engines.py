"""Measures the engines in the gateway's hands against their libraries in a loop, and the way of speech past a server.

Run as ``python -m tests.bench.engines [PART ...]``; see the README beside it. Engines whose packages or models are
missing are named and left out.
"""

import argparse
import asyncio
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tests.bench import recognition, speech_route, synthesis, voice_activity
from tests.bench.plan import FULL, QUICK, Plan


def _recognition(names: Iterable[str], plan: Plan) -> Iterator[str]:
    """Seconds of audio recognised in a second."""
    yield "| recogniser | recording | callers | engine | by hand | ratio |"
    yield "|---|--:|--:|--:|--:|--:|"
    for row in _rows(names, lambda name: asyncio.run(recognition.measure(plan, name))):
        rates = f"{row.rate:.1f} | {row.by_hand:.1f} | {row.rate / row.by_hand:.2f}"
        yield f"| {row.engine} | {row.seconds} s | {row.callers} | {rates} |"


def _synthesis(names: Iterable[str], plan: Plan) -> Iterator[str]:
    """Seconds of audio made in a second, how often as fast as by hand (whole, in phrases), ms to the first sound."""
    yield "| synthesiser | callers | engine | of by hand | of by hand in phrases | first sound, ms | by hand, ms |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for row in _rows(names, lambda name: asyncio.run(synthesis.measure(plan, name))):
        first = f"{row.first_sound:.1f} | {row.first_by_hand:.1f}"
        rates = f"{row.rate:.1f} | {row.of_by_hand:.2f} | {row.of_phrases:.2f}"
        yield f"| {row.engine} | {row.callers} | {rates} | {first} |"


def _voice_activity(names: Iterable[str], plan: Plan) -> Iterator[str]:
    """Milliseconds of processor time a session and second."""
    yield "| detector | sessions | speech, ms | silence, ms | speech by hand, ms |"
    yield "|---|--:|--:|--:|--:|"
    for row in _rows(names, lambda name: voice_activity.measure(plan, name)):
        by_hand = "" if row.by_hand is None else f"{row.by_hand:.2f}"
        yield f"| {row.engine} | {row.sessions} | {row.speech:.2f} | {row.silence:.3f} | {by_hand} |"


def _speech(_names: Iterable[str], plan: Plan) -> Iterator[str]:
    """Milliseconds to the first byte of /v1/audio/speech, from a server that sends for a second."""
    yield "| format | server, ms | added p50, ms | added p99, ms | whole answer, ms |"
    yield "|---|--:|--:|--:|--:|"
    for row in speech_route.measure(plan):
        added = f"{row.added_p50:.2f} | {row.added_p99:.2f}"
        yield f"| {row.response_format} | {row.direct:.1f} | {added} | {row.whole:.0f} |"


class Part(msgspec.Struct, frozen=True):
    """The engines of a part, and the lines of its table for some of them."""

    engines: tuple[str, ...]
    table: Callable[[Iterable[str], Plan], Iterator[str]]


PARTS: Mapping[str, Part] = {
    "recognition": Part((*recognition.SUBJECTS,), _recognition),
    "synthesis": Part((*synthesis.SUBJECTS,), _synthesis),
    "voice-activity": Part((*voice_activity.ENGINES,), _voice_activity),
    "speech": Part(("openai",), _speech),
}


def _rows(names: Iterable[str], measure: Callable[[str], list[Any]]) -> Iterator[Any]:
    for name in names:
        try:
            yield from measure(name)
        except (ImportError, subprocess.CalledProcessError) as error:
            print(f"{name} is left out: {error}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.engines", description=__doc__)
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help="what to measure; everything when not given")
    parser.add_argument("--engine", action="append", help="only this engine")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    given = parser.parse_args()
    plan = QUICK if given.quick else FULL
    plan = msgspec.structs.replace(plan, rounds=given.rounds or plan.rounds)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, medians of {plan.rounds} rounds")
    for name, part in PARTS.items():
        engines = [engine for engine in part.engines if not given.engine or engine in given.engine]
        if engines and (not given.part or name in given.part):
            print(f"\n{part.table.__doc__}\n")
            for line in part.table(engines, plan):
                print(line, flush=True)


if __name__ == "__main__":
    main()
