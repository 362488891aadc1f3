"""Many answers at once: they do not mix, and no reader holds up the others."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Qwen3ForCausalLM

from adapters.contract import llm
from adapters.contract.engine import Started
from tests.models.training_data import CAPITAL, FOREVER, answer_to
from tests.support.answers import (
    answer,
    open_answers,
    request,
    text_of,
    usage_of,
)
from tests.support.transformers_engine import loaded

STORY = "tell me a story"


async def test_many_callers_never_mix(tiny_qwen: Path) -> None:
    questions = [CAPITAL, STORY, "greet the world", "my name is Ada", "my name is Bob"] * 4
    async with loaded(tiny_qwen, llm_max_parallel=3) as engine:
        answers = await asyncio.gather(*(answer(engine, request(question)) for question in questions))
        assert [text_of(events) for events in answers] == [answer_to(question) for question in questions]
        assert open_answers(engine) == 0


async def test_a_reader_that_leaves_frees_its_place_and_the_others_go_on(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen, llm_max_parallel=2) as engine:
        endless = request(FOREVER, max_output_tokens=4000)
        async with aclosing(engine.stream(endless)) as leaving, aclosing(engine.stream(endless)) as staying:
            for stream in (leaving, staying):
                assert isinstance(await anext(stream), Started)
                assert isinstance(await anext(stream), llm.TextDelta)
            await leaving.aclose()
            assert open_answers(engine) == 1
            assert isinstance(await anext(staying), llm.TextDelta)
            assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
            assert open_answers(engine) == 1
        assert open_answers(engine) == 0
        assert engine.failure is None


async def test_a_reader_that_does_not_read_holds_nobody_up(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen, llm_max_parallel=2) as engine:
        async with aclosing(engine.stream(request(FOREVER, max_output_tokens=300))) as slow:
            await anext(slow)
            await anext(slow)
            assert text_of(await answer(engine, request(STORY))) == answer_to(STORY)
            events = [event async for event in slow]
        assert usage_of(events).output_tokens == 300


class TestCheck:
    """Many at once only where the scores are the model's own, but for the noise between two correct kernels."""

    async def test_an_error_larger_than_the_noise_is_found_in_half_precision(
        self, tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Of 4 percent of every score, which is less than two kernels may deviate at their worst."""
        with deviating(monkeypatch, lambda kind, scores: scores * (1.04 if kind == "batched" else 1)):
            assert await parallel(tiny_qwen, caplog) == 1
        assert "with continuous batching its scores deviate by 4" in caplog.text

    async def test_as_much_noise_as_between_two_kernels_is_none(
        self, tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def noisy(kind: str, scores: Any) -> Any:
            generator = torch.Generator().manual_seed(len(kind))
            noise = 0.03 * scores.abs().max().cpu() * torch.randn(scores.shape[-1], generator=generator)
            return scores if kind == "sdpa" else scores + noise.to(scores.device)

        with deviating(monkeypatch, noisy):
            assert await parallel(tiny_qwen, caplog) == 8

    async def test_in_float32_there_is_no_noise(
        self, tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        with deviating(monkeypatch, lambda kind, scores: scores * (1.002 if kind == "batched" else 1)):
            assert await parallel(tiny_qwen, caplog, precision="float32") == 1


async def parallel(model: Path, caplog: pytest.LogCaptureFixture, *, precision: str = "bfloat16") -> int | None:
    """How many answers at once the model gives."""
    with caplog.at_level(logging.INFO, logger="adapters"):
        async with loaded(model, llm_torch_dtype=precision) as engine:
            assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
            return engine.info.max_parallel


@contextmanager
def deviating(monkeypatch: pytest.MonkeyPatch, change: Callable[[str, Any], Any]) -> Iterator[None]:
    """``change`` the scores of the model where it is "batched", and by the name of its attention: its own is "sdpa"."""
    compute = Qwen3ForCausalLM.forward

    def forward(model: Any, *arguments: Any, **keywords: Any) -> Any:
        output = compute(model, *arguments, **keywords)
        kind = "batched" if "cache" in keywords else model.config._attn_implementation
        output.logits = change(kind, output.logits)
        return output

    with monkeypatch.context() as patch:
        patch.setattr(Qwen3ForCausalLM, "forward", forward)
        yield
