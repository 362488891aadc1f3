"""Measures what it costs to stream an upstream's answer on: time to the first delta, processor time, memory.

Run as ``python -m tests.bench.upstream_load``; see the README beside it.
"""

import argparse
import asyncio
import os
import platform
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from importlib.util import find_spec
from statistics import median, quantiles

import msgspec
import uvloop

from tests.bench.load import Load, offer
from tests.bench.processes import running
from tests.bench.upstream_mock import DELTAS
from tests.bench.upstream_path import WAYS, Used

_POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
_USED = b"GET /used HTTP/1.1\r\nhost: localhost\r\n\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured: streams one after another by the number of streams at once, how often, at which pace."""

    streams: dict[int, int]
    rounds: int
    first: float = 0.02
    gap: float = 0.005

    @property
    def stream_seconds(self) -> float:
        """How long one stream takes."""
        return self.first + DELTAS * self.gap


FULL = Plan(streams={1: 20, 32: 12}, rounds=3)
QUICK = Plan(streams={1: 2, 2: 2}, rounds=1, gap=0.001)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One way at one number of streams: milliseconds to the first delta, and beyond those of the direct way.

    Percentiles are the median of the rounds' percentiles. The direct way has no process of its own to measure.
    """

    way: str
    streams: int
    first_p50: float
    first_p99: float
    added_p50: float = 0.0
    added_p99: float = 0.0
    cpu_seconds: float | None = None
    memory: int | None = None


class Client:
    """Sends ``request`` to the server at ``port`` on bare sockets, kept alive; use it as ``async with``."""

    def __init__(self, port: int, request: bytes = _POST) -> None:
        self._port = port
        self._request = request
        self._idle: list[Connection] = []

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        for _reader, writer in self._idle:
            writer.close()

    async def stream(self) -> float:
        """One stream, read to its end; seconds from the request to the first delta."""
        async with self._connection() as (reader, writer):
            begun = time.perf_counter()
            writer.write(self._request)
            await reader.readuntil(b"\r\n\r\n")
            first, pieces = 0.0, []
            while size := int(await reader.readline(), 16):
                first = first or time.perf_counter()
                pieces.append((await reader.readexactly(size + 2))[:-2])
            await reader.readline()
            if (received := b"".join(pieces).count(b'"content":" word')) != DELTAS:
                raise RuntimeError(f"{received} deltas came, not {DELTAS}")
            return first - begun

    async def used(self) -> Used:
        """What the server has used."""
        async with self._connection() as (reader, writer):
            writer.write(_USED)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return msgspec.json.decode(await reader.readexactly(length), type=Used)

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection, None]:
        held = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        yield held
        self._idle.append(held)


def measure(plan: Plan, ways: Sequence[str]) -> list[Row]:
    """Start the processes, run all rounds in turns, end the processes."""
    with ExitStack() as stack:
        mock = stack.enter_context(running("upstream_mock", str(plan.first), str(plan.gap)))
        port = int(mock.line())
        url = f"http://127.0.0.1:{port}/v1"
        ports = {way: int(stack.enter_context(running("upstream_path", way, url)).line()) for way in ways}
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_rows(plan, port, ports))


async def _rows(plan: Plan, mock: int, ports: dict[str, int]) -> list[Row]:
    async with AsyncExitStack() as stack:
        direct = await stack.enter_async_context(Client(mock))
        clients = {way: await stack.enter_async_context(Client(port)) for way, port in ports.items()}
        rows = []
        for streams, turns in plan.streams.items():
            load = Load(speakers=streams, turns=turns, turn_seconds=plan.stream_seconds)
            rows += await _compared(direct, clients, load, plan.rounds)
        return rows


async def _compared(direct: Client, clients: dict[str, Client], load: Load, rounds: int) -> list[Row]:
    """The rows of one load; in every round each way has its turn, never two at the same time."""
    for client in (direct, *clients.values()):
        await offer(client.stream, msgspec.structs.replace(load, turns=1))  # opens connections, warms caches
    bare: list[list[float]] = []
    taken: dict[str, list[list[float]]] = {way: [] for way in clients}
    spent = dict.fromkeys(clients, 0.0)
    for _ in range(rounds):
        bare.append(await offer(direct.stream, load))
        for way, client in clients.items():
            before = (await client.used()).cpu_seconds
            taken[way].append(await offer(client.stream, load))
            spent[way] += (await client.used()).cpu_seconds - before
    base = Row(way="direct", streams=load.speakers, first_p50=_middle(bare, 50), first_p99=_middle(bare, 99))
    streams = load.speakers * load.turns * rounds
    return [base] + [
        Row(
            way=way,
            streams=load.speakers,
            first_p50=_middle(taken[way], 50),
            first_p99=_middle(taken[way], 99),
            added_p50=_middle(taken[way], 50) - base.first_p50,
            added_p99=_middle(taken[way], 99) - base.first_p99,
            cpu_seconds=spent[way] / streams * 1000,
            memory=(await client.used()).memory,
        )
        for way, client in clients.items()
    ]


def _middle(rounds: Sequence[Sequence[float]], percent: int) -> float:
    return median(quantiles(each, n=100, method="inclusive")[percent - 1] for each in rounds) * 1000


def table(plan: Plan, rows: Sequence[Row]) -> Iterator[str]:
    """The rows as lines of Markdown, under the machine they were measured on."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    yield (
        f"{os.cpu_count()} cores {platform.machine()}, {platform.system()}, Python {platform.python_version()}; load "
        f"of the machine at the end {load}; {DELTAS} deltas a stream, one every {plan.gap * 1000:g} ms; medians of "
        f"{plan.rounds} rounds."
    )
    yield ""
    yield "| streams at once | way | first delta p50 / p99, ms | added p50 / p99, ms | CPU s per 1,000 streams | MiB |"
    yield "|--:|---|--:|--:|--:|--:|"
    for row in rows:
        first = f"{row.first_p50:.2f} / {row.first_p99:.2f}"
        if row.cpu_seconds is None or row.memory is None:
            yield f"| {row.streams} | {row.way} | {first} | | | |"
        else:
            added = f"{row.added_p50:.2f} / {row.added_p99:.2f}"
            memory = f"{row.memory / 2**20:.0f}"
            yield f"| {row.streams} | {row.way} | {first} | {added} | {row.cpu_seconds:.2f} | {memory} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.upstream_load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few streams, to see that it works")
    plan = QUICK if parser.parse_args(arguments).quick else FULL
    ways = [way for way in WAYS if "aiohttp" not in way or find_spec("httpx_aiohttp")]
    for line in table(plan, measure(plan, ways)):
        print(line)


if __name__ == "__main__":
    main()
