"""Measures the in-process language models: tokens per second for several callers, and what prefix reuse saves.

Run as ``python -m tests.bench.local_models``; see the README beside it. ``--model`` takes a folder or hub id, else a
tiny one is trained first.
"""

import argparse
import asyncio
import importlib
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from adapters.contract import llm
from tests.models.training_data import FOREVER, SYSTEM

BACKENDS = {
    "transformers": "adapters.llm.transformers.adapter:TransformersLanguageModel",
    "mlx-lm": "adapters.llm.mlx_lm.adapter:MlxLanguageModel",
}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured: ``tokens`` an answer for each number of ``callers``; a conversation's turns of ``words``."""

    callers: tuple[int, ...]
    tokens: int
    turns: int
    words: int
    rounds: int


FULL = Plan(callers=(1, 4, 8), tokens=256, turns=10, words=100, rounds=5)
QUICK = Plan(callers=(1, 2), tokens=16, turns=3, words=20, rounds=1)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One backend: tokens per second by callers, and milliseconds to the first token of the last turn.

    ``cached`` and ``prompt`` are tokens of that turn with reuse. Rates and times are medians of the rounds.
    """

    backend: str
    together: dict[int, float]
    queued: dict[int, float]
    first_token_reused: float
    first_token_anew: float
    prompt: int
    cached: int


@asynccontextmanager
async def _engine(backend: str, model: str, **options: Any) -> AsyncGenerator[Any, None]:
    module, _, name = BACKENDS[backend].partition(":")
    kind = getattr(importlib.import_module(module), name)
    async with aclosing(kind(kind.Options(model_name=model, **options))) as engine:
        await engine.warm_up()
        yield engine


def _message(role: str, text: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=text),))


def _request(tokens: int, *messages: llm.Message) -> llm.Request:
    return llm.Request(
        model="m",
        messages=(_message("system", SYSTEM), *messages),
        max_output_tokens=tokens,
        reasoning=llm.Reasoning(disabled=True),
    )


async def _answer(engine: Any, request: llm.Request) -> tuple[float, str, llm.Usage]:
    """Milliseconds to the first piece, the text, and the usage."""
    begun, first, text, usage = time.perf_counter(), 0.0, "", None
    async with aclosing(engine.stream(request)) as events:
        async for event in events:
            match event:
                case llm.TextDelta() | llm.ReasoningDelta():
                    first = first or (time.perf_counter() - begun) * 1000
                    text += event.text
                case llm.Finished():
                    usage = event.usage
    assert usage is not None
    return first, text, usage


async def _rate(engine: Any, callers: int, plan: Plan) -> float:
    """Tokens per second of ``callers`` who ask at the same moment and wait their turn where the engine says so."""
    places = asyncio.Semaphore(engine.info.max_parallel)

    async def ask() -> int:
        async with places:
            _, _, usage = await _answer(engine, _request(plan.tokens, _message("user", FOREVER)))
        return usage.output_tokens

    begun = time.perf_counter()
    written = await asyncio.gather(*(ask() for _ in range(callers)))
    return sum(written) / (time.perf_counter() - begun)


async def _rates(backend: str, model: str, parallel: int, plan: Plan) -> dict[int, float]:
    async with _engine(backend, model, llm_max_parallel=parallel) as engine:
        await _rate(engine, parallel, plan)
        return {
            callers: median([await _rate(engine, callers, plan) for _ in range(plan.rounds)])
            for callers in plan.callers
        }


async def _last_turn(engine: Any, plan: Plan, number: int) -> tuple[float, llm.Usage]:
    """Milliseconds to the first token of the last turn of a conversation, whose ``number`` makes it another one."""
    messages: list[llm.Message] = []
    first, usage = 0.0, llm.Usage(input_tokens=0, output_tokens=0)
    for turn in range(plan.turns):
        messages.append(_message("user", f"{number} {turn} " + "tell me a story " * (plan.words // 4)))
        first, text, usage = await _answer(engine, _request(8, *messages))
        messages.append(_message("assistant", text))
    return first, usage


async def _conversations(backend: str, model: str, kept: int, plan: Plan) -> tuple[float, llm.Usage]:
    async with _engine(backend, model, llm_prefix_cache=kept) as engine:
        await _last_turn(engine, plan, plan.rounds)
        turns = [await _last_turn(engine, plan, number) for number in range(plan.rounds)]
    return median(first for first, _ in turns), turns[-1][1]


async def measure(plan: Plan, backend: str, model: str) -> Row:
    """All numbers of one backend, its engines one after the other."""
    reused, usage = await _conversations(backend, model, 8, plan)
    anew, _ = await _conversations(backend, model, 0, plan)
    return Row(
        backend=backend,
        together=await _rates(backend, model, max(plan.callers), plan),
        queued=await _rates(backend, model, 1, plan),
        first_token_reused=reused,
        first_token_anew=anew,
        prompt=usage.input_tokens,
        cached=usage.cached_tokens,
    )


def table(plan: Plan, rows: list[Row]) -> Iterator[str]:
    """The rows in Markdown."""
    callers = [f"{number} caller{'s' if number > 1 else ''}" for number in plan.callers]
    columns = ["backend", "tokens/s", *callers]
    yield from (f"| {' | '.join(columns)} |", "|---" * len(columns) + "|")
    for row in rows:
        for how, rates in (("together", row.together), ("one at a time", row.queued)):
            yield f"| {row.backend} | {how} | {' | '.join(f'{rate:,.0f}' for rate in rates.values())} |"
    yield ""
    columns = [f"first token of turn {plan.turns}", "computed anew", "beginning reused", "prompt", "of it reused"]
    yield from (f"| {' | '.join(columns)} |", "|---" * len(columns) + "|")
    for row in rows:
        times = f"{row.first_token_anew:.1f} ms | {row.first_token_reused:.1f} ms"
        yield f"| {row.backend} | {times} | {row.prompt:,} tokens | {row.cached:,} tokens |"


def main() -> None:
    """Measure what the command line says and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=BACKENDS, action="append")
    parser.add_argument("--model")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        if arguments.model is None:
            import torch  # noqa: PLC0415 - only where the packages are

            from tests.models.tiny_qwen import build  # noqa: PLC0415

            torch.set_num_threads(1)  # more only wait for each other at this size
            build(Path(folder))
        backends = arguments.backend or list(BACKENDS)
        rows = [asyncio.run(measure(plan, backend, arguments.model or folder)) for backend in backends]
    print(*table(plan, rows), sep="\n")


if __name__ == "__main__":
    main()
