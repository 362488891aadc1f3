"""Chooses how a model of mlx-lm writes its answers: many at once, or one after the other."""

import logging
from collections.abc import Callable
from typing import Any

from mlx_lm.models.cache import CacheList, KVCache, RotatingKVCache, make_prompt_cache

from adapters.llm.local_options import MlxOptions
from adapters.llm.mlx_lm.batched import Together, release
from adapters.llm.mlx_lm.loader import Loaded
from adapters.llm.mlx_lm.sequential import Alone, TextWriter

__all__ = ["batch", "release"]

_log = logging.getLogger(__name__)


def batch(loaded: Loaded, options: MlxOptions, check: Callable[[int], None]) -> tuple[Alone | Together, int]:
    """What writes the answers, and how many at once; ``check`` raises ``Left`` for one that is not wanted any more."""
    parallel, kept = options.llm_max_parallel, options.llm_prefix_cache
    if loaded.processor is not None:
        from adapters.llm.mlx_lm.vision import SeeingWriter  # noqa: PLC0415 - imports mlx_vlm, an extra of its own

        _log.info("mlx-lm: writes one answer at a time, as for every model that sees.")
        return Alone(SeeingWriter(loaded), check), 1
    caches = make_prompt_cache(loaded.model)
    joins = all(map(_joins, caches))
    if joins and parallel > 1:
        _log.info("mlx-lm: writes up to %d answers at once.", parallel)
        # Not every model with a state beside keys and values leaves out the padding of prompts of unequal length: one
        # at a time they need none (mlx-lm 0.32 writes other answers with Mamba otherwise).
        prompts = parallel if all(map(_pads, caches)) else 1
        return Together(loaded, parallel=parallel, prompts=prompts, conversations=kept), parallel
    why = "as --llm_max_parallel says" if joins else "because it cannot batch the cache of this model"
    _log.info("mlx-lm: writes one answer at a time, %s.", why)
    return Alone(TextWriter(loaded, conversations=kept), check), 1


def _joins(cache: Any) -> bool:
    """Whether the caches of several answers can become one, as mlx-lm's own server finds out."""
    return all(map(_joins, cache.caches)) if isinstance(cache, CacheList) else hasattr(cache, "merge")


def _pads(cache: Any) -> bool:
    return (
        all(map(_pads, cache.caches)) if isinstance(cache, CacheList) else isinstance(cache, KVCache | RotatingKVCache)
    )
