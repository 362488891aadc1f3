"""Measures what the gateway adds to a spoken turn over /v1/realtime, and what its sessions cost.

Run as ``python -m tests.bench.realtime``; see the README beside it.
"""

import argparse
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import median, quantiles

import msgspec

from tests.bench.processes import Child, running, wait_until_ready
from tests.bench.realtime_client import Heard, Order, Turn
from tests.bench.realtime_upstream import Stages
from tests.bench.road import cpu_seconds, resident
from tests.models import real

SPEAKS = 10
"""Every so many sessions one speaks."""

SETTLED_SECONDS = 5.0
"""Sessions send for so long before anything is measured."""

KNEE_MS = 100.0
"""By how much the p99 may rise over that of the fewest sessions."""

AT_ONCE_MS = 30.0
"""An answer that was prepared begins so soon after the turn was confirmed."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions, for how long each; ``held`` sessions are open when memory is looked at."""

    sessions: tuple[int, ...] = (1, 10, 50, 200, 600)
    seconds: float = 30.0
    settled: float = SETTLED_SECONDS
    held: int = 100
    ahead: tuple[str, ...] = ("off", "tts")
    vad: str = "silero"
    stages: Stages = Stages()


QUICK = Plan(sessions=(2,), seconds=6.0, settled=0.5, held=2, vad="energy")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A number of sessions. Times in milliseconds, ``cpu`` and ``bare_cpu`` in seconds of the processor.

    ``voiced`` is from the last voiced frame to the first audio, ``beyond`` from the frame that confirmed the end of the
    turn, less the stages where they begin only then. ``at_once`` is the share of turns answered within ``AT_ONCE_MS``
    of that frame. ``cpu`` is of a session and minute, ``bare_cpu`` of a server that drops the frames.
    ``late`` is how late the latest frame was sent.
    """

    ahead: str
    sessions: int
    turns: int
    unanswered: int
    closed: int
    voiced_p50: float
    beyond_p50: float
    beyond_p99: float
    told_p50: float
    told_p99: float
    at_once: float
    cpu: float
    bare_cpu: float
    late: float


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """KiB of the gateway's process for each of ``held`` sessions: just opened, and after a turn of each."""

    held: int
    opened: float
    spoken: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured."""

    rows: list[Row]
    memory: Memory


class _Gateway:
    """A gateway's process and the client that talks to it."""

    def __init__(self, stack: ExitStack, *flags: str) -> None:
        self.process = stack.enter_context(running("realtime_gateway", *flags))
        port = int(self.process.line())
        wait_until_ready(port)
        self._client: Child = stack.enter_context(running("realtime_client", str(port)))

    def do(self, order: Order) -> Heard:
        """Have the client do it."""
        return msgspec.json.decode(self._client.ask(msgspec.json.encode(order).decode()), type=Heard)

    def cost(self, order: Order) -> tuple[Heard, float]:
        """Have the client do it; with the processor time of a session and minute."""
        before = cpu_seconds(self.process.pid)
        heard = self.do(order)
        used = cpu_seconds(self.process.pid) - before
        return heard, used / order.sessions / order.seconds * 60


def _flags(plan: Plan, upstream: str, ahead: str) -> list[str]:
    many = str(4 * max(plan.sessions) + 100)
    flags = ["--llm_backend", "chat-completions", "--model_name", "bench", "--responses_api_base_url", upstream]
    flags += ["--stt", "openai", "--stt_base_url", upstream, "--stt_api_key", ""]
    flags += ["--tts", "openai", "--tts_base_url", upstream, "--tts_api_key", ""]
    flags += ["--responses_api_api_key", "", "--realtime_ahead", ahead, "--vad", plan.vad]
    flags += ["--max_connections", many, "--max_websockets", many, "--realtime_sessions", many]
    if plan.vad == "silero":
        flags += ["--vad_model", str(real.fetch("silero") / "silero_vad.onnx")]
    return flags


def measure(plan: Plan) -> Figures:
    """Every number of sessions, with and without work ahead, and the memory of sessions."""
    rows = []
    with ExitStack() as stack:
        upstream_process = stack.enter_context(running("realtime_upstream", msgspec.json.encode(plan.stages).decode()))
        upstream = f"http://127.0.0.1:{int(upstream_process.line())}/v1"
        bare = _bare(plan)
        for ahead in plan.ahead:
            with ExitStack() as own:
                gateway = _Gateway(own, *_flags(plan, upstream, ahead))
                for sessions in plan.sessions:
                    rows.append(_row(plan, ahead, gateway, sessions, bare[sessions]))
        with ExitStack() as own:
            memory = _memory(plan, _Gateway(own, *_flags(plan, upstream, plan.ahead[-1])))
    return Figures(rows=rows, memory=memory)


def _bare(plan: Plan) -> dict[int, float]:
    """Processor time of a session and minute of a server that drops the frames."""
    with ExitStack() as stack:
        many = str(2 * max(plan.sessions))
        server = _Gateway(stack, "bare", "--max_connections", many, "--max_websockets", many)
        return {
            sessions: server.cost(Order(sessions=sessions, speaks=SPEAKS, seconds=max(2.0, plan.seconds / 4)))[1]
            for sessions in plan.sessions
        }


def _row(plan: Plan, ahead: str, gateway: _Gateway, sessions: int, bare: float) -> Row:
    gateway.do(Order(sessions=sessions, speaks=SPEAKS, seconds=plan.settled))
    heard, cpu = gateway.cost(Order(sessions=sessions, speaks=SPEAKS, seconds=plan.seconds))
    stages = plan.stages.all * 1000 if ahead == "off" else 0.0
    beyond = [turn.confirmed - stages for turn in heard.turns]
    told = [turn.told for turn in heard.turns]
    return Row(
        ahead=ahead,
        sessions=sessions,
        turns=len(heard.turns),
        unanswered=heard.unanswered,
        closed=heard.closed,
        voiced_p50=_percentile([turn.voiced for turn in heard.turns], 50),
        beyond_p50=_percentile(beyond, 50),
        beyond_p99=_percentile(beyond, 99),
        told_p50=_percentile(told, 50),
        told_p99=_percentile(told, 99),
        at_once=_share(heard.turns),
        cpu=cpu,
        bare_cpu=bare,
        late=heard.late_ms,
    )


def _memory(plan: Plan, gateway: _Gateway) -> Memory:
    gateway.do(Order(sessions=1, speaks=1, seconds=plan.seconds / 2))
    gateway.do(Order(sessions=0))
    time.sleep(plan.settled / 5)
    before = resident(gateway.process.pid)
    gateway.do(Order(sessions=plan.held))
    opened = resident(gateway.process.pid) - before
    gateway.do(Order(sessions=plan.held, speaks=1, seconds=6.0))
    spoken = resident(gateway.process.pid) - before
    return Memory(held=plan.held, opened=opened / 1024 / plan.held, spoken=spoken / 1024 / plan.held)


def _percentile(values: Sequence[float], percent: int) -> float:
    """NaN of nothing, the greatest where there are too few."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return median(values) if percent == 50 else min(max(values), quantiles(values, n=100)[percent - 1])


def _share(turns: Sequence[Turn]) -> float:
    return sum(turn.confirmed <= AT_ONCE_MS for turn in turns) / len(turns) if turns else float("nan")


def knee(rows: Sequence[Row]) -> str:
    """The number of sessions from which the p99 is ``KNEE_MS`` over that of the fewest."""
    over = [row.sessions for row in rows if not row.beyond_p99 <= rows[0].beyond_p99 + KNEE_MS or row.closed]
    return f"at {over[0]} sessions" if over else f"past {rows[-1].sessions} sessions"


def table(plan: Plan, figures: Figures) -> Iterator[str]:
    """The figures as lines of Markdown, under the machine they were measured on."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    stages = plan.stages
    yield (
        f"{os.cpu_count()} cores {platform.machine()}, {platform.system()}, Python {platform.python_version()}; load "
        f"of the machine at the end {load}; {plan.vad}; stages {stages.stt * 1000:g} + {stages.llm * 1000:g} + "
        f"{stages.tts * 1000:g} ms; {plan.seconds:g} s a row, every {SPEAKS}th session speaks."
    )
    yield ""
    yield (
        "| work ahead | sessions | turns (lost) | voice to audio p50, ms | beyond p50 / p99, ms | told p50 / p99, ms | "
        "at once | CPU s a session minute | of bare | frames late by, ms |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for row in figures.rows:
        lost = row.unanswered + row.closed
        ratio = row.cpu / row.bare_cpu if row.bare_cpu else float("nan")
        yield (
            f"| {row.ahead} | {row.sessions} | {row.turns} ({lost}) | {row.voiced_p50:.0f} | {row.beyond_p50:.1f} / "
            f"{row.beyond_p99:.1f} | {row.told_p50:.1f} / {row.told_p99:.1f} | {row.at_once:.0%} | {row.cpu:.3f} | "
            f"{ratio:.1f} | {row.late:.0f} |"
        )
    yield ""
    for ahead in plan.ahead:
        yield f"Knee, work ahead {ahead}: {knee([row for row in figures.rows if row.ahead == ahead])}."
    memory = figures.memory
    yield (
        f"Memory of each of {memory.held} sessions: {memory.opened:.0f} KiB when opened, {memory.spoken:.0f} KiB after "
        "a turn."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.realtime", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two sessions, to see that it works")
    parser.add_argument("--sessions", type=int, nargs="+", default=Plan().sessions)
    parser.add_argument("--seconds", type=float, default=Plan().seconds)
    parser.add_argument("--ahead", nargs="+", default=Plan().ahead)
    parser.add_argument("--vad", choices=["energy", "silero"], default=Plan().vad)
    given = parser.parse_args(arguments)
    plan = Plan(sessions=tuple(given.sessions), seconds=given.seconds, ahead=tuple(given.ahead), vad=given.vad)
    plan = QUICK if given.quick else plan
    for line in table(plan, measure(plan)):
        print(line)


if __name__ == "__main__":
    main()
