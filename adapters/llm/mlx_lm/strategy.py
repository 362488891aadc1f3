"""Selects how a model of mlx-lm generates: many answers at once, or one at a time."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec
from mlx_lm.models.cache import CacheList, KVCache, RotatingKVCache, make_prompt_cache

from adapters.llm.loaded_model import LoadedModel
from adapters.llm.local_options import MlxOptions
from adapters.llm.mlx_lm.batched import ContinuousBatch
from adapters.llm.mlx_lm.sequential import SequentialBatch, TextGenerator

_log = logging.getLogger(__name__)


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """What generates the answers, and how many at once."""

    batch: ContinuousBatch | SequentialBatch
    max_parallel: int


def select(loaded: LoadedModel, options: MlxOptions, check: Callable[[int], None]) -> Strategy:
    """The strategy for this model; ``check`` raises ``ReaderLeft`` for a job that nobody waits for any more."""
    parallel, conversations = options.llm_max_parallel, options.llm_prefix_cache
    if loaded.processor is not None:
        from adapters.llm.mlx_lm.vision import VisionGenerator  # noqa: PLC0415 - imports mlx_vlm, an extra of its own

        _log.info("mlx-lm: one answer at a time, as for every vision model.")
        return Strategy(batch=SequentialBatch(VisionGenerator(loaded), check), max_parallel=1)
    caches = make_prompt_cache(loaded.model)
    merges = all(map(_merges, caches))
    if merges and parallel > 1:
        _log.info("mlx-lm: up to %d answers at once.", parallel)
        # Some models with a state other than keys and values do not ignore the padding of prompts of unequal length
        # (mlx-lm 0.32 gives other answers with Mamba): one at a time, prompts need no padding.
        prompts = parallel if all(map(_ignores_padding, caches)) else 1
        batch = ContinuousBatch(loaded, parallel=parallel, prompts=prompts, conversations=conversations)
        return Strategy(batch=batch, max_parallel=parallel)
    reason = "--llm_max_parallel is 1" if merges else "mlx-lm cannot batch the cache of this model"
    _log.info("mlx-lm: one answer at a time: %s.", reason)
    generator = TextGenerator(loaded, conversations=conversations)
    return Strategy(batch=SequentialBatch(generator, check), max_parallel=1)


def _merges(cache: Any) -> bool:
    """Whether the caches of several answers can be merged, by the test of mlx-lm's own server."""
    return all(map(_merges, cache.caches)) if isinstance(cache, CacheList) else hasattr(cache, "merge")


def _ignores_padding(cache: Any) -> bool:
    if isinstance(cache, CacheList):
        return all(map(_ignores_padding, cache.caches))
    return isinstance(cache, KVCache | RotatingKVCache)
