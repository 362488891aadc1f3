"""Keeps the beginnings of the latest conversations computed, so that their next turns need not be read again."""

from typing import Any

from mlx_lm.models.cache import LRUPromptCache

_MODEL = "model"  # mlx-lm keeps those of several models apart; there is one here


class Prefixes:
    """The keys and values of at most ``most`` conversations, the latest used ones."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept = LRUPromptCache(max_size=most)

    def take(self, tokens: list[int]) -> tuple[Any, int]:
        """A copy of what is computed of the beginning of ``tokens``, and of how many; ``None`` and 0 when of nothing.

        The last token is never among them: the model has to read one to say what follows.
        """
        if not self._most:
            return None, 0
        cache, rest = self._kept.fetch_nearest_cache(_MODEL, tokens[:-1])
        return cache, len(tokens) - 1 - len(rest)

    def keep(self, tokens: list[int], cache: Any) -> None:
        """Keep ``cache``, which is computed for exactly ``tokens``."""
        if self._most and tokens and cache:
            self._kept.insert_cache(_MODEL, list(tokens), cache)

    def forget(self) -> None:
        """Keep nothing of what was kept."""
        self._kept = LRUPromptCache(max_size=self._most)
