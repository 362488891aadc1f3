"""Measures what the straight road costs: a chat stream through the gateway, through others, and without anything.

Run as ``python -m tests.bench.road``, on Linux, with nginx installed; see the README beside it.
"""

import argparse
import asyncio
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from statistics import median, quantiles

import msgspec
import uvloop

from tests.bench.load import Load, offer
from tests.bench.nginx import nginx
from tests.bench.processes import running, wait_until_ready
from tests.bench.upstream_load import Client
from tests.bench.upstream_mock import DELTAS

_BODY = b'{"model":"bench","stream":true,"messages":[{"role":"user","content":"How are you?"}]}'
_REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)
_SETTLING_SECONDS = 2.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured: streams one after another by the number of streams at once, how often, at which pace.

    ``held`` streams are open at once when the memory is read.
    """

    streams: dict[int, int]
    rounds: int
    held: int
    first: float = 0.02
    gap: float = 0.005

    @property
    def stream_seconds(self) -> float:
        """How long one stream takes."""
        return self.first + DELTAS * self.gap


FULL = Plan(streams={1: 20, 32: 20}, rounds=3, held=500)
QUICK = Plan(streams={1: 2, 2: 2}, rounds=1, held=4, gap=0.001)


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A way to the server, by its port; ``pid`` is the process in between, ``None`` for the direct way."""

    name: str
    port: int
    pid: int | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One way at one number of streams: milliseconds to the first delta, and beyond those of the direct way.

    Percentiles and differences are medians over the rounds.
    """

    way: str
    streams: int
    first_p50: float
    first_p99: float
    added_p50: float = 0.0
    added_p99: float = 0.0
    cpu_seconds: float = 0.0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured; ``memory`` is bytes an open stream, by way."""

    rows: list[Row]
    memory: dict[str, float]


def measure(plan: Plan) -> Figures:
    """Start the processes, run all rounds in turns, end the processes."""
    with ExitStack() as stack:

        def ways(gap: float) -> list[Way]:
            mock = stack.enter_context(running("upstream_mock", str(plan.first), str(gap)))
            port = int(mock.line())
            proxy, pid = stack.enter_context(nginx(port))
            relay = stack.enter_context(running("road_relay", str(port)))
            gateway = stack.enter_context(running("road_gateway", f"http://127.0.0.1:{port}/v1"))
            served = int(gateway.line())
            wait_until_ready(served)
            return [
                Way(name="direct", port=port),
                Way(name="nginx", port=proxy, pid=pid),
                Way(name="relay", port=int(relay.line()), pid=relay.pid),
                Way(name="gateway", port=served, pid=gateway.pid),
            ]

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rows = runner.run(_rows(plan, ways(plan.gap)))
            memory = runner.run(_memory(plan, ways(1.0)[1:]))
    return Figures(rows=rows, memory=memory)


async def _rows(plan: Plan, ways: Sequence[Way]) -> list[Row]:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(way.port, _REQUEST)) for way in ways]
        rows = []
        for streams, turns in plan.streams.items():
            load = Load(speakers=streams, turns=turns, turn_seconds=plan.stream_seconds)
            for client in clients:
                await offer(client.stream, msgspec.structs.replace(load, turns=1))  # opens connections, warms caches
            taken: list[list[list[float]]] = [[] for _ in ways]
            spent = [0.0 for _ in ways]
            for _ in range(plan.rounds):
                for index, (way, client) in enumerate(zip(ways, clients, strict=True)):
                    before = cpu_seconds(way.pid)
                    taken[index].append(await offer(client.stream, load))
                    spent[index] += cpu_seconds(way.pid) - before
            rows += [
                _row(way, streams, taken[index], taken[0], spent[index] / (streams * turns * plan.rounds))
                for index, way in enumerate(ways)
            ]
        return rows


def _row(way: Way, streams: int, taken: list[list[float]], direct: list[list[float]], spent: float) -> Row:
    return Row(
        way=way.name,
        streams=streams,
        first_p50=median(_percentile(each, 50) for each in taken),
        first_p99=median(_percentile(each, 99) for each in taken),
        added_p50=median(_percentile(a, 50) - _percentile(b, 50) for a, b in zip(taken, direct, strict=True)),
        added_p99=median(_percentile(a, 99) - _percentile(b, 99) for a, b in zip(taken, direct, strict=True)),
        cpu_seconds=spent * 1000,
    )


def _percentile(times: Sequence[float], percent: int) -> float:
    return quantiles(times, n=100, method="inclusive")[percent - 1] * 1000


async def _memory(plan: Plan, ways: Sequence[Way]) -> dict[str, float]:
    """What an open stream takes: a few are opened first, so that what is loaded once does not count."""
    found = {}
    for way in ways:
        streams = [await _opened(way.port) for _ in range(4)]
        before = resident(way.pid)
        streams += await asyncio.gather(*(_opened(way.port) for _ in range(plan.held)))
        await asyncio.sleep(_SETTLING_SECONDS)
        found[way.name] = (resident(way.pid) - before) / plan.held
        for _, writer in streams:
            writer.close()
    return found


async def _opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream that has begun."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_REQUEST)
    await reader.readuntil(b"word0")
    return reader, writer


def cpu_seconds(pid: int | None) -> float:
    """Seconds of processor time that a process has used, all threads together."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int | None) -> int:
    """Bytes of memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def table(plan: Plan, figures: Figures) -> Iterator[str]:
    """The figures as lines of Markdown, under the machine they were measured on."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    yield (
        f"{os.cpu_count()} cores {platform.machine()}, {platform.system()}, Python {platform.python_version()}; load "
        f"of the machine at the end {load}; {DELTAS} deltas a stream, one every {plan.gap * 1000:g} ms; medians of "
        f"{plan.rounds} rounds; memory of {plan.held} open streams."
    )
    yield ""
    yield (
        "| streams at once | way | first delta p50 / p99, ms | added p50 / p99, ms | CPU s per 1,000 | of nginx | "
        "KiB a stream |"
    )
    yield "|--:|---|--:|--:|--:|--:|--:|"
    nginx_cpu = {row.streams: row.cpu_seconds for row in figures.rows if row.way == "nginx"}
    for row in figures.rows:
        first = f"{row.first_p50:.2f} / {row.first_p99:.2f}"
        if row.way == "direct":
            yield f"| {row.streams} | direct | {first} | | | | |"
            continue
        ratio = row.cpu_seconds / nginx_cpu[row.streams] if nginx_cpu[row.streams] else float("nan")
        yield (
            f"| {row.streams} | {row.way} | {first} | {row.added_p50:.2f} / {row.added_p99:.2f} | "
            f"{row.cpu_seconds:.2f} | {ratio:.2f} | {figures.memory[row.way] / 1024:.0f} |"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.road", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few streams, to see that it works")
    plan = QUICK if parser.parse_args(arguments).quick else FULL
    for line in table(plan, measure(plan)):
        print(line)


if __name__ == "__main__":
    main()
