"""One answer at a time: prompts are read in pieces, and processors are shown all of them."""

from pathlib import Path

import pytest

from adapters.contract import llm
from tests.models.training_data import CAPITAL, FOREVER, answer_to
from tests.support.answers import answer, open_answers, request, text_of, usage_of
from tests.support.mlx_engine import PromptChecks, loaded


async def test_a_reader_that_leaves_in_the_middle_of_the_prompt_ends_it_there(
    tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = PromptChecks(monkeypatch)
    async with loaded(tiny_qwen, llm_max_parallel=1) as engine:
        long = request("hello " * 700, max_output_tokens=1)
        await checks.leave(engine, long, at=2)
        assert checks.count == 2  # before the first piece and after it
        assert open_answers(engine) == 0
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
        again = usage_of(await answer(engine, long))
        assert 0 < again.cached_tokens < again.input_tokens - 512  # the piece that was read is kept, and no more


async def test_a_penalty_sees_the_same_whether_the_prompt_is_read_or_kept(tiny_qwen: Path) -> None:
    asked = request(FOREVER, max_output_tokens=20, sampling=llm.Sampling(presence_penalty=90.0))
    everything = {"presence_context_size": 500}
    async with loaded(tiny_qwen, llm_max_parallel=1, llm_gen=everything) as engine:
        read, kept = await answer(engine, asked), await answer(engine, asked)
        assert usage_of(read).cached_tokens < usage_of(kept).cached_tokens
        assert text_of(read) == text_of(kept)
