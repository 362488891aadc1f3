"""A failure is reported to the reader that it concerns; the engine continues, or says that it has failed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.contract.errors import Unavailable, UpstreamError
from adapters.llm.transformers.adapter import TransformersLanguageModel
from tests.models.training_data import CAPITAL, FOREVER, answer_to
from tests.support.answers import (
    answer,
    open_answers,
    request,
    text_of,
)
from tests.support.transformers_engine import loaded, loaded_by


@contextmanager
def failing(
    engine: TransformersLanguageModel, error: BaseException, *, after: int, at_the_end: bool = False
) -> Iterator[None]:
    """The model's forward pass raises ``error`` once, ``after`` some that do not, in its last layer or at once."""
    layer = loaded_by(engine).model.model
    layer = layer.layers[-1] if at_the_end else layer
    passes = 0

    def forward(*_: Any) -> None:
        nonlocal passes
        passes += 1
        if passes == after + 1:
            raise error

    hook = layer.register_forward_pre_hook(forward)
    try:
        yield
    finally:
        hook.remove()


MEMORY = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: you tried to …"),
    MemoryError(),
)


@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("error", MEMORY, ids=["device", "host", "interpreter"])
async def test_out_of_memory_ends_the_answer_and_not_the_engine(
    engine: TransformersLanguageModel, error: Exception, after: int
) -> None:
    with failing(engine, error, after=after), pytest.raises(Unavailable, match="not enough memory"):
        await answer(engine, request(FOREVER))
    assert open_answers(engine) == 0
    assert engine.failure is None
    assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_an_unknown_failure_is_told_by_its_kind_alone(
    engine: TransformersLanguageModel, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "what the user said"
    with (
        failing(engine, ArithmeticError(secret), after=2),
        pytest.raises(UpstreamError, match="ArithmeticError") as seen,
    ):
        await answer(engine, request(FOREVER))
    assert secret not in f"{seen.value}{caplog.text}"
    assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_what_a_failed_pass_left_half_computed_is_not_used_again(engine: TransformersLanguageModel) -> None:
    asked = request(CAPITAL)
    with failing(engine, ArithmeticError(), after=0, at_the_end=True), pytest.raises(UpstreamError):
        await answer(engine, asked)
    assert text_of(await answer(engine, asked)) == answer_to(CAPITAL)


async def test_a_failed_step_is_told_to_all_who_wait(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen) as engine:
        with failing(engine, ArithmeticError(), after=5):
            asked = (answer(engine, request(FOREVER)) for _ in range(3))
            results = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(result) for result in results] == [UpstreamError] * 3
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_a_thread_that_dies_is_told_to_all_and_for_good(engine: TransformersLanguageModel) -> None:
    with failing(engine, SystemExit(), after=5):
        asked = (answer(engine, request(FOREVER)) for _ in range(3))
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    assert engine.failure is not None
    assert "SystemExit" in engine.failure
    with pytest.raises(Unavailable):
        await answer(engine, request(CAPITAL))
