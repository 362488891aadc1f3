"""The computed prefixes of conversations: taken, copied, dropped, and used by the engine."""

from pathlib import Path

import pytest
import torch
from transformers import DynamicCache

from adapters.llm.transformers.adapter import TransformersLanguageModel
from adapters.llm.transformers.prefix_cache import PrefixCache
from tests.support.answers import answer, message, request, text_of, usage_of
from tests.support.transformers_engine import loaded


def cache_of(tokens: int) -> DynamicCache:
    """A cache of one layer; the state of each token is its number."""
    cache = DynamicCache()
    states = torch.arange(tokens, dtype=torch.float32).reshape(1, 1, tokens, 1)
    cache.update(states, states, 0)
    return cache


def test_the_same_conversation_takes_its_cache_and_another_a_copy_of_the_beginning() -> None:
    prefixes = PrefixCache(3)
    prefixes.store([1, 2, 3, 4, 5, 6], cache_of(6))

    other = prefixes.take([1, 2, 9, 9, 9, 9, 9])
    assert other is not None
    assert other.get_seq_length() == 2

    same = prefixes.take([1, 2, 3, 4, 5, 7, 8])
    assert same is not None
    assert same.layers[0].keys[0, 0, :, 0].tolist() == [0, 1, 2, 3, 4]
    assert prefixes.take([1, 2, 3, 4, 5, 7, 8]) is None


def test_the_last_token_is_always_computed() -> None:
    prefixes = PrefixCache(1)
    prefixes.store([1, 2, 3], cache_of(3))
    cache = prefixes.take([1, 2, 3])
    assert cache is not None
    assert cache.get_seq_length() == 2


def test_the_oldest_is_forgotten_first() -> None:
    prefixes = PrefixCache(2)
    for first in (1, 2, 3):
        prefixes.store([first, 0, 0], cache_of(3))
    assert [prefixes.take([first, 0, 0, 5]) is not None for first in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize("size", [0, 1])
def test_nothing_is_kept_of_what_was_not_computed(size: int) -> None:
    prefixes = PrefixCache(size)
    prefixes.store([1, 2, 3], cache_of(3) if size == 0 else DynamicCache())
    assert prefixes.take([1, 2, 3]) is None


STORY = "tell me a story"


async def test_the_beginning_of_a_conversation_is_not_computed_again(engine: TransformersLanguageModel) -> None:
    question, greeting = "my name is Ada", message("assistant", "Hello Ada.")
    assert usage_of(await answer(engine, request(question))).cached_tokens == 0
    second = await answer(engine, request(question, greeting, "what is my name"))
    assert text_of(second) == "Your name is Ada."
    assert 16 <= usage_of(second).cached_tokens < usage_of(second).input_tokens
    third = await answer(engine, request(question, greeting, "what is my name"))
    assert usage_of(third).cached_tokens > usage_of(second).cached_tokens


async def test_without_a_prefix_cache_everything_is_computed(tiny_qwen: Path) -> None:
    for parallel in (8, 1):
        async with loaded(tiny_qwen, llm_prefix_cache=0, llm_max_parallel=parallel) as engine:
            for _ in range(2):
                assert usage_of(await answer(engine, request(STORY))).cached_tokens == 0
