"""Models that cannot be batched answer one at a time."""

from pathlib import Path

from tests.support.answers import answer, request, text_of, usage_of
from tests.support.transformers_engine import loaded


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
