"""Keeps the keys and values of the latest conversations, so that their next turn computes only what is new."""

import copy
from typing import Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


class PrefixCache:
    """The computed prefixes of at most ``size`` conversations; the oldest is dropped first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: list[tuple[list[int], DynamicCache]] = []

    def take(self, tokens: list[int]) -> DynamicCache | None:
        """A cache of the longest known prefix of ``tokens``, without the last token; ``None`` when there is none."""
        shared, at = max(((_shared(kept, tokens), at) for at, (kept, _) in enumerate(self._entries)), default=(0, 0))
        shared = min(shared, len(tokens) - 1)  # the last token gives the scores of the next
        if shared <= 0:
            return None
        kept, cache = self._entries[at]
        if 2 * shared >= len(kept):
            del self._entries[at]  # the same conversation continues
        else:
            cache = copy.deepcopy(cache)  # another conversation with the same beginning
        cache.crop(shared - len(kept))
        return cache

    def store(self, tokens: list[int], cache: Any) -> None:
        """Store ``cache``, computed for the beginning of ``tokens``, if it is of a kind that can be shortened."""
        length = cache.get_seq_length() if isinstance(cache, DynamicCache) else 0
        if self._size and 0 < length <= len(tokens) and all(type(layer) is DynamicLayer for layer in cache.layers):
            self._entries = [*self._entries, (tokens[:length], cache)][-self._size :]

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()


def _shared(one: list[int], other: list[int]) -> int:
    """How many tokens both begin with."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))
