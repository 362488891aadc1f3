"""The cache takes a bounded part of the memory, and more answers than fit take turns."""

import asyncio
from pathlib import Path

import pytest

from tests.models.training_data import CAPITAL, FOREVER, answer_to
from tests.support.answers import (
    answer,
    request,
    text_of,
    usage_of,
)
from tests.support.transformers_engine import loaded

memory = pytest.importorskip("adapters.llm.transformers.memory", reason="needs torch and psutil")
paged_cache = pytest.importorskip("adapters.llm.transformers.paged_cache", reason="needs torch")


TOKEN = 2 * 2 * 2 * 16 * 4  # bytes of the tiny Qwen3: keys and values, layers, heads, numbers of a head, float32


@pytest.mark.parametrize(("free", "parallel", "room"), [(2 * 4096 * TOKEN, 8, 4096), (4096 * TOKEN, 1, 4096)])
async def test_half_of_what_is_free_is_taken_and_less_than_a_conversation_is_none(
    tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch, free: int, parallel: int, room: int
) -> None:
    monkeypatch.setattr(memory, "available", lambda: free)
    async with loaded(tiny_qwen) as engine:
        assert engine.info.max_parallel == parallel
        assert engine.info.context_tokens == room
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_more_than_the_cache_holds_is_written_in_turns(tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(paged_cache, "CONVERSATION_TOKENS", 64)  # 512 tokens for 4 answers of 236
    async with loaded(tiny_qwen, llm_max_parallel=4, llm_prefix_cache=0) as engine:
        assert engine.info.context_tokens == 512
        answers = await asyncio.gather(*(answer(engine, request(FOREVER, max_output_tokens=200)) for _ in range(4)))
        assert len({text_of(events) for events in answers}) == 1
        assert [usage_of(events).output_tokens for events in answers] == [200] * 4
