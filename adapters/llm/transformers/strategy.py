"""Selects how a loaded model generates: many answers at once where that gives its own answers, else one at a time."""

import logging

import msgspec
import torch

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, UpstreamError
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.local_errors import NonFiniteScores
from adapters.llm.local_options import TransformersOptions
from adapters.llm.prompting.generation_settings import settings_for
from adapters.llm.transformers import memory
from adapters.llm.transformers.batched import ContinuousBatch, Inexact, set_attention
from adapters.llm.transformers.errors import ADAPTER, load_error
from adapters.llm.transformers.paged_cache import TooLittleMemory
from adapters.llm.transformers.sampling import Sampler, configuration, prepare
from adapters.llm.transformers.sequential import SequentialBatch
from adapters.local.device_errors import is_device_lost, is_out_of_memory

_log = logging.getLogger(__name__)


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """What generates the answers, the tokens that one conversation can have, and the answers at once."""

    batch: ContinuousBatch | SequentialBatch
    context_tokens: int | None
    max_parallel: int


def select(loaded: LoadedModel, options: TransformersOptions) -> Strategy:
    """The strategy for this model.

    Raises ``UpstreamError`` when no answer could be generated with the options, ``Unavailable`` for a lost device.
    """
    _check_parameters(loaded, options)
    batch, reason = _continuous_batch(loaded, options)
    if batch is None:
        _log.info("transformers: one answer at a time: %s.", reason)
        sequential = SequentialBatch(loaded, conversations=options.llm_prefix_cache)
        return Strategy(batch=sequential, context_tokens=loaded.context_tokens, max_parallel=1)
    context_tokens = min(batch.context_tokens, loaded.context_tokens or batch.context_tokens)
    _log.info(
        "transformers: up to %d answers at once by continuous batching, %d tokens for one conversation.",
        options.llm_max_parallel,
        context_tokens,
    )
    return Strategy(batch=batch, context_tokens=context_tokens, max_parallel=options.llm_max_parallel)


def _check_parameters(loaded: LoadedModel, options: TransformersOptions) -> None:
    """Sample one token with the values of ``--llm_gen_NAME``. Raises ``UpstreamError`` when that is impossible."""
    settings = settings_for(llm.Request(model="", messages=()), options.llm_gen)
    settings = msgspec.structs.replace(settings, do_sample=True, temperature=settings.temperature or 1.0)
    token = torch.zeros(1, 1, dtype=torch.long, device=loaded.model.device)
    scores = torch.zeros(1, loaded.model.get_input_embeddings().weight.shape[0], device=token.device)
    try:
        config = configuration(loaded.recommended, settings)
        Sampler(prepare(loaded.model, {"input_ids": token}, config, settings), settings.seed).sample(token, scores)
    except (InvalidRequest, LookupError, NonFiniteScores, TypeError, ValueError, RuntimeError) as error:
        kind = f"no token can be sampled with it ({type(error).__name__})."
        reason = error.message if isinstance(error, InvalidRequest) else kind
        raise UpstreamError(f"A value of --llm_gen_NAME is wrong: {reason}", adapter=ADAPTER) from error


def _continuous_batch(loaded: LoadedModel, options: TransformersOptions) -> tuple[ContinuousBatch | None, str]:
    """A batch that gives the model's own answers, or why there is none."""
    if options.llm_is_vlm:
        return None, "continuous batching takes no images"
    if options.llm_max_parallel == 1:
        return None, "--llm_max_parallel is 1"
    if getattr(loaded.model.config.get_text_config(), "attn_logit_softcapping", None):
        return None, "continuous batching leaves out the soft-capping of this model's attention"
    attention = loaded.model.config._attn_implementation
    try:
        batch = ContinuousBatch(loaded, options)
        batch.check(attention)
    except (Inexact, TooLittleMemory) as error:
        reason = str(error)
    except Exception as error:  # the library raises anything for a model that it does not support
        if is_device_lost(error):
            raise load_error(str(options.model_name), error) from error
        reason = f"continuous batching does not work with this model ({type(error).__name__})"
        if is_out_of_memory(error):
            free = memory.available(loaded.model.device) / 1e9
            reason = f"there was not enough memory to try continuous batching; {free:.1f} GB are free"
    else:
        return batch, ""
    set_attention(loaded.model, attention)
    memory.free()
    return None, reason
