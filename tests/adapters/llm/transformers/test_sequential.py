"""What is written one answer at a time: models that cannot be batched, and the kept beginnings of conversations."""

from pathlib import Path

import pytest
import torch
from transformers import DynamicCache

from adapters.llm.transformers.sequential import Kept
from tests.adapters.llm.transformers.local import answer, loaded, request, text_of, usage_of


def cache_of(tokens: int) -> DynamicCache:
    """A cache of one layer; what is kept for each token is its number."""
    cache = DynamicCache()
    states = torch.arange(tokens, dtype=torch.float32).reshape(1, 1, tokens, 1)
    cache.update(states, states, 0)
    return cache


def test_the_same_conversation_takes_its_cache_and_another_a_copy_of_the_beginning() -> None:
    kept = Kept(3)
    kept.keep([1, 2, 3, 4, 5, 6], cache_of(6))

    other = kept.take([1, 2, 9, 9, 9, 9, 9])
    assert other is not None
    assert other.get_seq_length() == 2

    same = kept.take([1, 2, 3, 4, 5, 7, 8])
    assert same is not None
    assert same.layers[0].keys[0, 0, :, 0].tolist() == [0, 1, 2, 3, 4]
    assert kept.take([1, 2, 3, 4, 5, 7, 8]) is None


def test_the_last_token_is_always_computed() -> None:
    kept = Kept(1)
    kept.keep([1, 2, 3], cache_of(3))
    cache = kept.take([1, 2, 3])
    assert cache is not None
    assert cache.get_seq_length() == 2


def test_the_oldest_is_forgotten_first() -> None:
    kept = Kept(2)
    for first in (1, 2, 3):
        kept.keep([first, 0, 0], cache_of(3))
    assert [kept.take([first, 0, 0, 5]) is not None for first in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize("most", [0, 1])
def test_nothing_is_kept_of_what_was_not_computed(most: int) -> None:
    kept = Kept(most)
    kept.keep([1, 2, 3], cache_of(3) if most == 0 else DynamicCache())
    assert kept.take([1, 2, 3]) is None


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
