"""What the tests of ``mlx-lm`` share: engines on the models that tests build, and their answers."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.blocking import BatchThread
from adapters.contract import llm
from adapters.contract.checks import llm_grammar, read
from adapters.llm.mlx_lm.adapter import MlxLm


@asynccontextmanager
async def loaded(model: Path | str, **options: Any) -> AsyncGenerator[MlxLm, None]:
    """An engine with ``model``, ready."""
    async with aclosing(MlxLm(MlxLm.Options(model_name=str(model), **options))) as engine:
        await engine.warm_up()
        yield engine


async def answer(engine: MlxLm, asked: llm.Request) -> Sequence[Any]:
    """Every event, which keep the contract's grammar."""
    events = await read(engine.stream(asked))
    llm_grammar(events)
    return events


def open_answers(engine: MlxLm) -> int:
    """How many answers the generation thread is writing."""
    return len(engine._thread._readers)


def tokens_of(engine: MlxLm, text: str) -> list[int]:
    found: list[int] = engine._asking._loaded.tokenizer.encode(text, add_special_tokens=False)
    return found


def script(monkeypatch: pytest.MonkeyPatch, engine: MlxLm, text: str) -> None:
    """Have the model's real generation write ``text`` and end, whatever it is asked."""
    wanted = [*tokens_of(engine, text), engine._asking.tokenizer.ends[0]]
    scripted(monkeypatch, lambda written: wanted[min(written, len(wanted) - 1)])


def scripted(monkeypatch: pytest.MonkeyPatch, choose: Callable[[int], int]) -> None:
    """Have every next token chosen by how many were written."""
    import mlx.core as mx  # noqa: PLC0415 - only where it is installed

    from adapters.llm.mlx_lm import sampling  # noqa: PLC0415 - imports mlx

    def processors(_loaded: Any, _asked: Any, *, seen: int) -> list[Any]:
        def process(tokens: Any, logits: Any) -> Any:
            forced = mx.full(logits.shape, -float("inf"))
            forced[:, choose(len(tokens) - seen)] = 0.0
            return forced

        return [process]

    monkeypatch.setattr(sampling, "processors", processors)


class Lookout:
    """Counts how often the thread looks up from a prompt whether its reader is there; put up before an engine loads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks = 0
        self._leaves_at = 0
        self._reached = threading.Event()
        look = BatchThread.check

        def check(thread: BatchThread[Any, Any], key: int) -> None:
            self.looks += 1
            if self.looks == self._leaves_at:
                self._reached.set()
                until = time.monotonic() + 20
                while not thread._readers[key].left and time.monotonic() < until:
                    time.sleep(0.001)
            look(thread, key)

        monkeypatch.setattr(BatchThread, "check", check)

    async def leave(self, engine: MlxLm, asked: llm.Request, *, at: int) -> None:
        """Ask, and leave when the thread looks for the ``at``th time."""
        self._leaves_at = self.looks + at
        async with aclosing(engine.stream(asked)) as stream:
            await anext(stream)
            reading = asyncio.ensure_future(anext(stream))
            assert await asyncio.to_thread(self._reached.wait, 20)
            reading.cancel()
            await asyncio.wait([reading])
