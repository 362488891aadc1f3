"""How a model generates, and generation parameters that make that impossible."""

import logging
from pathlib import Path
from typing import Any

import pytest

from adapters.contract.errors import UpstreamError
from tests.support.answers import answer, request, text_of, usage_of
from tests.support.transformers_engine import loaded


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
async def test_soft_capped_attention_is_named(
    tiny_gemma: Path, caplog: pytest.LogCaptureFixture, precision: str
) -> None:
    with caplog.at_level(logging.INFO, logger="adapters"):
        async with loaded(tiny_gemma, llm_torch_dtype=precision) as engine:
            assert engine.info.max_parallel == 1
    assert "leaves out the soft-capping of this model's attention" in caplog.text


async def test_a_model_that_is_not_the_same_in_a_batch_keeps_its_own_attention(tiny_gemma: Path) -> None:
    written = []
    for parallel in (8, 1):
        async with loaded(tiny_gemma, llm_max_parallel=parallel) as engine:
            assert engine.info.max_parallel == 1
            written.append(text_of(await answer(engine, request("hello", max_output_tokens=10))))
    assert written[0] == written[1] != ""


async def test_a_model_that_cannot_be_batched_is_written_one_at_a_time(tiny_mamba: Path) -> None:
    async with loaded(tiny_mamba) as engine:
        assert engine.info.max_parallel == 1
        asked = request("hello", max_output_tokens=10)
        first, second = await answer(engine, asked), await answer(engine, asked)
    assert text_of(first) == text_of(second) != ""
    assert usage_of(second).cached_tokens == 0


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("top_k", -1, "top_k"),
        ("bad_words_ids", [[10**9]], "no token can be sampled"),
        ("suppress_tokens", [*range(1000)], "no token can be sampled"),
    ],
)
async def test_a_value_that_no_answer_can_be_written_with_is_found_while_loading(
    tiny_llama: Path, name: str, value: Any, why: str
) -> None:
    with pytest.raises(UpstreamError, match=f"--llm_gen_NAME is wrong: .*{why}"):
        async with loaded(tiny_llama, llm_gen={name: value}):
            pass
