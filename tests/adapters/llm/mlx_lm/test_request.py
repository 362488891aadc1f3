"""What a prompt may be: its length."""

from pathlib import Path

import pytest

from adapters.contract.errors import TooLong
from adapters.llm.mlx_lm.adapter import MlxLanguageModel
from tests.support.answers import answer, end_of, request, usage_of
from tests.support.mlx_engine import loaded, scripted


async def test_a_conversation_that_is_too_long_is_refused_with_the_numbers(engine: MlxLanguageModel) -> None:
    with pytest.raises(TooLong, match=r"has \d{4,} tokens; the model takes 4096") as refused:
        await answer(engine, request("hello " * 4000))
    assert refused.value.code == "context_length_exceeded"


async def test_an_answer_ends_where_the_context_does(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for parallel in (8, 1):
        async with loaded(tiny_llama, llm_max_parallel=parallel) as engine:
            scripted(monkeypatch, lambda written: 60 + written % 100)
            events = await answer(engine, request("hello"))
            assert end_of(events).reason == "length"
            assert usage_of(events).input_tokens + usage_of(events).output_tokens == engine.info.context_tokens
