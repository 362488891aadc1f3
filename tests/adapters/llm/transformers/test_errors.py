"""A failure is reported to the reader that it concerns; the engine continues, or says that it has failed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.contract import llm
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

STORY = "tell me a story"


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


LOST = (
    torch.AcceleratorError("CUDA error: device-side assert triggered"),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
)


@pytest.mark.parametrize("after", [0, 5])
@pytest.mark.parametrize("error", LOST, ids=["torch's", "plain"])
async def test_a_lost_device_is_told_to_all_and_for_good(
    engine: TransformersLanguageModel, error: Exception, after: int
) -> None:
    with failing(engine, error, after=after):
        asked = (answer(engine, request(FOREVER)) for _ in range(3))
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    assert type(error).__name__ in (engine.failure or "")
    with pytest.raises(Unavailable, match="has to be restarted"):
        await answer(engine, request(CAPITAL))


async def test_what_fails_before_the_first_pass_ends_that_answer_alone(
    engine: TransformersLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, told in ((ArithmeticError("secret"), UpstreamError), (MemoryError(), Unavailable)):
        with monkeypatch.context() as patch:
            fail_to_prepare(patch, error)
            with pytest.raises(told) as raised:
                await answer(engine, request(CAPITAL))
        assert "secret" not in raised.value.message
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_a_device_that_is_lost_before_the_first_pass(
    engine: TransformersLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_to_prepare(monkeypatch, LOST[0])
    with pytest.raises(Unavailable, match="has to be restarted"):
        await answer(engine, request(CAPITAL))
    assert engine.failure is not None


def fail_to_prepare(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let every answer fail before the model computes anything for it."""

    def prepare(*_: Any) -> None:
        raise error

    for way in ("batched", "sequential"):
        monkeypatch.setattr(f"adapters.llm.transformers.{way}.prepare", prepare)


@contextmanager
def poisoned(engine: TransformersLanguageModel, text: str, score: float) -> Iterator[None]:
    """Where the model would write the first token of ``text``, all its scores are ``score``."""
    loaded = loaded_by(engine)
    token = loaded.tokenizer.encode(text, add_special_tokens=False)[0]

    def poison(_module: Any, _arguments: Any, output: Any) -> None:
        output.logits[output.logits.argmax(-1) == token] = score

    hook = loaded.model.register_forward_hook(poison)
    try:
        yield
    finally:
        hook.remove()


SAMPLINGS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "sampled": {"temperature": 0.1},
    "seeded": {"temperature": 0.1, "seed": 1},
    "top_p": {"temperature": 0.1, "top_p": 0.9},
    "penalties": {"frequency_penalty": 0.01, "presence_penalty": 0.01},
}


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS.keys())
async def test_scores_that_are_not_finite_end_that_answer_alone(
    engine: TransformersLanguageModel, sampling: dict[str, Any], score: float
) -> None:
    asked = request(CAPITAL, sampling=llm.Sampling(**sampling))
    with poisoned(engine, " Paris", score):
        both: Any = [answer(engine, asked), answer(engine, request(STORY))]
        bad, good = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(bad, UpstreamError)
    assert "not finite" in bad.message
    assert not isinstance(good, BaseException)
    assert text_of(good) == answer_to(STORY)
    assert engine.failure is None
    assert text_of(await answer(engine, asked)) == answer_to(CAPITAL)


async def test_what_was_computed_with_them_is_not_used_again(engine: TransformersLanguageModel) -> None:
    layer = loaded_by(engine).model.model.layers[0]
    asked = request(CAPITAL)
    hook = layer.register_forward_hook(lambda _module, _arguments, hidden: hidden * torch.nan)
    with pytest.raises(UpstreamError, match="not finite"):
        await answer(engine, asked)
    hook.remove()
    assert text_of(await answer(engine, asked)) == answer_to(CAPITAL)


async def test_a_tiny_temperature_is_none(engine: TransformersLanguageModel) -> None:
    for temperature in (1e-39, 1e-300, 1e-6):
        asked = request(CAPITAL, sampling=llm.Sampling(temperature=temperature))
        assert text_of(await answer(engine, asked)) == answer_to(CAPITAL)
