"""Answers in half precision, and on a GPU for real where there is one."""

from pathlib import Path

import pytest
import torch

from tests.models.training_data import CAPITAL, answer_to
from tests.support.answers import answer, request, text_of
from tests.support.transformers_engine import loaded, loaded_by


@pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])
async def test_half_precision_answers_too(tiny_qwen: Path, parallel: int) -> None:
    async with loaded(tiny_qwen, llm_torch_dtype="bfloat16", llm_max_parallel=parallel) as engine:
        assert loaded_by(engine).model.dtype is torch.bfloat16
        assert engine.info.max_parallel == parallel
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="goes without a GPU")
@pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])
async def test_on_cuda_with_bfloat16(tiny_qwen: Path, parallel: int) -> None:
    async with loaded(tiny_qwen, llm_max_parallel=parallel) as engine:
        assert loaded_by(engine).model.device.type == "cuda"
        assert loaded_by(engine).model.dtype is torch.bfloat16
        assert engine.info.max_parallel == parallel
        for _ in range(2):
            assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
