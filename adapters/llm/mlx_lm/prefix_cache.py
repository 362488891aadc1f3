"""Keeps the keys and values of the latest conversations, so that their next turn computes only what is new."""

from typing import Any

from mlx_lm.models.cache import LRUPromptCache

_MODEL = "model"  # mlx-lm's cache is keyed by model; there is only one here


class PrefixCache:
    """The computed prefixes of at most ``size`` conversations; the least recently used is dropped first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._cache = LRUPromptCache(max_size=size)

    def take(self, tokens: list[int]) -> tuple[Any, int]:
        """A copy of the cache of the longest known prefix of ``tokens`` and its length; ``None`` and 0 without one.

        The last token is never in it: the model has to compute one to give the scores of the next.
        """
        if not self._size:
            return None, 0
        cache, rest = self._cache.fetch_nearest_cache(_MODEL, tokens[:-1])
        return cache, len(tokens) - 1 - len(rest)

    def store(self, tokens: list[int], cache: Any) -> None:
        """Store ``cache``, which is computed for exactly ``tokens``."""
        if self._size and tokens and cache:
            self._cache.insert_cache(_MODEL, list(tokens), cache)

    def clear(self) -> None:
        """Drop everything."""
        self._cache = LRUPromptCache(max_size=self._size)
