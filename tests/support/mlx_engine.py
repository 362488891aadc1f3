"""Engines of ``mlx-lm`` on the models that tests build."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

import pytest

from adapters.blocking import BatchThread
from adapters.contract import llm
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.mlx_lm.adapter import MlxLanguageModel

# The tokenizer of each engine, and a token that ends its answers. The model itself belongs to the engine's thread.
_tokenizers: WeakKeyDictionary[MlxLanguageModel, tuple[Any, int]] = WeakKeyDictionary()


@asynccontextmanager
async def loaded(model: Path | str, **options: Any) -> AsyncGenerator[MlxLanguageModel, None]:
    """An engine with ``model``, ready."""
    from adapters.llm.mlx_lm import loader  # noqa: PLC0415 - imports mlx

    load = loader.load

    def remembered(*arguments: Any) -> LoadedModel:
        found = load(*arguments)
        _tokenizers[engine] = found.tokenizer, found.ends[0]
        return found

    engine = MlxLanguageModel(MlxLanguageModel.Options(model_name=str(model), **options))
    async with aclosing(engine):
        with patch.object(loader, "load", remembered):
            await engine.warm_up()
        yield engine


def script(monkeypatch: pytest.MonkeyPatch, engine: MlxLanguageModel, text: str) -> None:
    """Let the model's real generation write ``text`` and end, whatever it is asked."""
    tokenizer, end = _tokenizers[engine]
    tokens = [*tokenizer.encode(text, add_special_tokens=False), end]
    scripted(monkeypatch, lambda written: tokens[min(written, len(tokens) - 1)])


def scripted(monkeypatch: pytest.MonkeyPatch, choose: Callable[[int], int]) -> None:
    """Let ``choose`` choose every next token, by the number of tokens before it."""
    import mlx.core as mx  # noqa: PLC0415 - only where it is installed

    from adapters.llm.mlx_lm import sampling  # noqa: PLC0415 - imports mlx

    def processors(_loaded: Any, _job: Any, *, seen: int) -> list[Any]:
        def process(tokens: Any, logits: Any) -> Any:
            forced = mx.full(logits.shape, -float("inf"))
            forced[:, choose(len(tokens) - seen)] = 0.0
            return forced

        return [process]

    monkeypatch.setattr(sampling, "processors", processors)


class PromptChecks:
    """Counts how often an engine checks, while it reads a prompt, whether the reader has left.

    Create it before the engine is loaded.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._leaves_at = 0
        self._reached = threading.Event()
        check = BatchThread.check

        def counted(thread: BatchThread[Any, Any, Any], key: int) -> None:
            self.count += 1
            if self.count == self._leaves_at:
                self._reached.set()
                until = time.monotonic() + 20
                while not thread._readers[key].left and time.monotonic() < until:
                    time.sleep(0.001)
            check(thread, key)

        monkeypatch.setattr(BatchThread, "check", counted)

    async def leave(self, engine: MlxLanguageModel, asked: llm.Request, *, at: int) -> None:
        """Read an answer, and leave during the ``at``th check from now."""
        self._leaves_at = self.count + at
        async with aclosing(engine.stream(asked)) as stream:
            await anext(stream)
            reading = asyncio.ensure_future(anext(stream))
            assert await asyncio.to_thread(self._reached.wait, 20)
            reading.cancel()
            await asyncio.wait([reading])
