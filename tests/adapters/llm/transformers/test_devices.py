"""Answers in half precision, and on a GPU for real where there is one."""

from pathlib import Path

import pytest
import torch

from tests.adapters.llm.transformers.local import answer, loaded, model_of, request, text_of
from tests.models.lessons import CAPITAL, answer_to


@pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])
async def test_half_precision_answers_too(tiny_qwen: Path, parallel: int) -> None:
    async with loaded(tiny_qwen, llm_torch_dtype="bfloat16", llm_max_parallel=parallel) as engine:
        assert model_of(engine).dtype is torch.bfloat16
        assert engine.info.max_parallel == parallel
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="goes without a GPU")
@pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])
async def test_on_cuda_with_bfloat16(tiny_qwen: Path, parallel: int) -> None:
    async with loaded(tiny_qwen, llm_max_parallel=parallel) as engine:
        assert model_of(engine).device.type == "cuda"
        assert model_of(engine).dtype is torch.bfloat16
        assert engine.info.max_parallel == parallel
        for _ in range(2):
            assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
