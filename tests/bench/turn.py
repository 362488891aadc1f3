"""Measures what the gateway adds to a voice turn: time to first audio and processor time, against the bare stages.

Run as ``python -m tests.bench.turn``; see the README beside it.
"""

import argparse
import asyncio
import os
import platform
from collections.abc import Iterator, Sequence
from statistics import mean, median, quantiles

import msgspec
import uvloop

from tests.bench.client import Client
from tests.bench.delays import Delays
from tests.bench.load import Load, Round, offer
from tests.bench.processes import Child, running, wait_until_ready


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured: turns of each speaker by the number of speakers, how often, and with which delays."""

    turns: dict[int, int]
    rounds: int
    delays: Delays


FULL = Plan(turns={1: 15, 8: 6, 32: 4, 100: 4}, rounds=3, delays=Delays())
QUICK = Plan(turns={1: 3, 4: 2}, rounds=1, delays=Delays(hearing=0.02, first_word=0.02, word=0.002, speaking=0.02))


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The rounds of one number of speakers together: milliseconds to first audio, CPU seconds per 1,000 turns.

    Percentiles are the median of the rounds' percentiles; a pair's difference and ratio are those of one round.
    """

    speakers: int
    by_hand_p50: float
    by_hand_p99: float
    gateway_p50: float
    gateway_p99: float
    added_p50: float
    added_p99: float
    by_hand_cpu: float
    gateway_cpu: float
    cpu_ratio: float


def measure(plan: Plan) -> list[Row]:
    """Start the processes, run all rounds, end the processes."""
    delays = msgspec.json.encode(plan.delays).decode()
    with running("upstream", delays) as upstream:
        url = f"http://127.0.0.1:{int(upstream.line())}/v1"
        with running("gateway_process", delays, url) as gateway, running("baseline", delays, url) as by_hand:
            port = int(gateway.line())
            wait_until_ready(port)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(_rows(plan, port, by_hand))


async def _rows(plan: Plan, port: int, by_hand: Child) -> list[Row]:
    async with Client(port) as client:
        rows = []
        for speakers, turns in plan.turns.items():
            load = Load(speakers=speakers, turns=turns, turn_seconds=plan.delays.turn)
            await _pair(client, by_hand, msgspec.structs.replace(load, turns=1))  # opens connections, warms caches
            rows.append(_row(speakers, [await _pair(client, by_hand, load) for _ in range(plan.rounds)]))
        return rows


async def _pair(client: Client, by_hand: Child, load: Load) -> tuple[Round, Round]:
    """The same load by hand, then through the gateway; never at the same time."""
    bare = msgspec.json.decode(by_hand.ask(msgspec.json.encode(load).decode()), type=Round)
    before = await client.cpu_seconds()
    first_audio = await offer(client.take_turn, load)
    return bare, Round(first_audio=first_audio, cpu_seconds=await client.cpu_seconds() - before)


def _row(speakers: int, pairs: Sequence[tuple[Round, Round]]) -> Row:
    bare, served = [one for one, _ in pairs], [other for _, other in pairs]

    def middle(rounds: Sequence[Round], percent: int) -> float:
        return median(_percentile(each, percent) for each in rounds)

    return Row(
        speakers=speakers,
        by_hand_p50=middle(bare, 50),
        by_hand_p99=middle(bare, 99),
        gateway_p50=middle(served, 50),
        gateway_p99=middle(served, 99),
        added_p50=median(_percentile(other, 50) - _percentile(one, 50) for one, other in pairs),
        added_p99=median(_percentile(other, 99) - _percentile(one, 99) for one, other in pairs),
        by_hand_cpu=mean(map(_cpu, bare)),
        gateway_cpu=mean(map(_cpu, served)),
        cpu_ratio=median(_cpu(other) / _cpu(one) for one, other in pairs),
    )


def _percentile(taken: Round, percent: int) -> float:
    return quantiles(taken.first_audio, n=100, method="inclusive")[percent - 1] * 1000


def _cpu(taken: Round) -> float:
    return taken.cpu_seconds / len(taken.first_audio) * 1000


def table(plan: Plan, rows: Sequence[Row]) -> Iterator[str]:
    """The rows as lines of Markdown, under the machine they were measured on."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    yield (
        f"{os.cpu_count()} cores {platform.machine()}, {platform.system()}, Python {platform.python_version()}; "
        f"load of the machine at the end {load}; medians of {plan.rounds} rounds."
    )
    yield (
        f"The stages alone take {plan.delays.first_audio * 1000:.0f} ms to first audio and about "
        f"{plan.delays.turn * 1000:.0f} ms a turn."
    )
    yield ""
    yield (
        "| turns at once | by hand p50 / p99, ms | gateway p50 / p99, ms | beyond the stages, ms | "
        "beyond by hand p50 / p99, ms | CPU s per 1,000 turns: by hand | gateway | ratio |"
    )
    yield "|--:|--:|--:|--:|--:|--:|--:|--:|"
    for row in rows:
        yield (
            f"| {row.speakers} | {row.by_hand_p50:.1f} / {row.by_hand_p99:.1f} "
            f"| {row.gateway_p50:.1f} / {row.gateway_p99:.1f} | {row.gateway_p50 - plan.delays.first_audio * 1000:.1f} "
            f"| {row.added_p50:.1f} / {row.added_p99:.1f} | {row.by_hand_cpu:.2f} | {row.gateway_cpu:.2f} "
            f"| {row.cpu_ratio:.1f} |"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.turn", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few short turns, to see that it works")
    plan = QUICK if parser.parse_args(arguments).quick else FULL
    for line in table(plan, measure(plan)):
        print(line)


if __name__ == "__main__":
    main()
