"""Chooses how a loaded model writes: many answers together where that is right for it, else one after the other."""

import logging

import msgspec
import torch

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, UpstreamError
from adapters.llm.local_options import TransformersOptions
from adapters.llm.prompting import generation_settings
from adapters.llm.transformers.batched import Together, attend
from adapters.llm.transformers.errors import ADAPTER
from adapters.llm.transformers.loader import Loaded
from adapters.llm.transformers.sampling import Chooser, configuration, prepare
from adapters.llm.transformers.sequential import Alone

_log = logging.getLogger(__name__)


def batch(loaded: Loaded, options: TransformersOptions) -> tuple[Together | Alone, int | None, int]:
    """The way of writing, the tokens that one conversation can have, and the answers at once."""
    _try_parameters(loaded, options)
    batch, why = _together(loaded, options)
    if batch is None:
        _log.info("transformers: one answer at a time: %s.", why)
        return Alone(loaded, conversations=options.llm_prefix_cache), loaded.context, 1
    room = min(batch.room, loaded.context or batch.room)
    _log.info(
        "transformers: up to %d answers at once by continuous batching, %d tokens for one conversation.",
        options.llm_max_parallel,
        room,
    )
    return batch, room, options.llm_max_parallel


def _try_parameters(loaded: Loaded, options: TransformersOptions) -> None:
    """Raise ``UpstreamError`` for values of ``--llm_gen_NAME`` that no answer could be written with."""
    asked = generation_settings.generation(options.llm_gen, llm.Request(model="", messages=()))
    asked = msgspec.structs.replace(asked, do_sample=True, temperature=asked.temperature or 1.0)
    token = torch.zeros(1, 1, dtype=torch.long, device=loaded.model.device)
    scores = torch.zeros(1, loaded.model.get_input_embeddings().weight.shape[0], device=token.device)
    try:
        prepared = prepare(loaded.model, {"input_ids": token}, configuration(loaded.recommended, asked), asked)
        Chooser(prepared, asked.seed).choose(token, scores)
    except (InvalidRequest, LookupError, TypeError, ValueError, RuntimeError) as error:
        kind = f"no token can be chosen with it ({type(error).__name__})."
        why = error.message if isinstance(error, InvalidRequest) else kind
        raise UpstreamError(f"A value of --llm_gen_NAME is wrong: {why}", adapter=ADAPTER) from error


def _together(loaded: Loaded, options: TransformersOptions) -> tuple[Together | None, str]:
    if options.llm_is_vlm:
        return None, "continuous batching takes no images"
    if options.llm_max_parallel == 1:
        return None, "--llm_max_parallel is 1"
    attention = loaded.model.config._attn_implementation
    try:
        batch = Together(loaded, options)
        batch.check(attention)
    except Exception as error:  # noqa: BLE001 - the library raises whatever comes of a model it is not made for
        why = f"continuous batching does not work with this model ({type(error).__name__})"
    else:
        return batch, ""
    attend(loaded.model, attention)
    return None, why
