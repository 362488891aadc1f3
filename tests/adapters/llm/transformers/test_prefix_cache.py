"""The computed prefixes of conversations: taken, copied, dropped."""

import pytest
import torch
from transformers import DynamicCache

from adapters.llm.transformers.prefix_cache import PrefixCache


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
