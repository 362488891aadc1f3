"""Loads a model and its tokenizer with transformers; imported only where that is to happen."""

import logging
import sys
import time
from typing import Any

import msgspec
import torch
import transformers
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    GenerationConfig,
)

from adapters.contract.errors import UpstreamError
from adapters.llm.local_options import TransformersOptions
from adapters.llm.transformers.errors import ADAPTER, of_loading
from adapters.local import devices

_log = logging.getLogger(__name__)


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A model, ready; ``processor`` only with one that sees; ``context`` in tokens, if known.

    ``recommended`` is the generation configuration of its makers, ``ends`` are the tokens that end an answer.
    """

    model: Any
    tokenizer: Any
    processor: Any
    context: int | None
    recommended: Any
    ends: tuple[int, ...]

    @property
    def template(self) -> str:
        """The text of the chat template."""
        return str((self.processor or self.tokenizer).chat_template)


def load(model: str, options: TransformersOptions) -> Loaded:
    """Load ``model``, a folder or a hub id, which is downloaded where it is not in the cache.

    Raises ``Unavailable`` when memory does not suffice, ``UpstreamError`` for everything else; either says the way out.
    """
    begun = time.monotonic()
    torch.set_grad_enabled(False)  # of this thread, which will do nothing but write answers
    device = devices.select_device(options.llm_device)
    dtype = devices.select_dtype(options.llm_torch_dtype, device)
    kind = str(dtype).removeprefix("torch.")
    _log.info(
        "transformers: loading %s as %s on %s (downloaded first where it is not in the cache).", model, kind, device
    )
    if not sys.stderr.isatty():  # bars are for people; a log has the lines before and after
        transformers.utils.logging.disable_progress_bar()
    try:
        loaded = _load(model, options, device, dtype)
    except Exception as error:
        raise of_loading(model, error) from error
    _log.info("transformers: loaded %s in %.1f s.", model, time.monotonic() - begun)
    return loaded


def _load(name: str, options: TransformersOptions, device: torch.device, dtype: torch.dtype) -> Loaded:
    trusted = options.llm_trust_remote_code
    processor = AutoProcessor.from_pretrained(name, trust_remote_code=trusted) if options.llm_is_vlm else None
    if processor and not hasattr(processor, "image_processor"):
        raise UpstreamError(f"The model {name!r} sees no images: leave --llm_is_vlm out.", adapter=ADAPTER)
    tokenizer = processor.tokenizer if processor else AutoTokenizer.from_pretrained(name, trust_remote_code=trusted)
    if (processor or tokenizer).chat_template is None:
        raise UpstreamError(
            f"The model {name!r} has no chat template, so it cannot hold a conversation: choose its instruct or chat "
            "version.",
            adapter=ADAPTER,
        )
    kind = AutoModelForImageTextToText if options.llm_is_vlm else AutoModelForCausalLM
    model, found = kind.from_pretrained(
        name, dtype=dtype, device_map=device, trust_remote_code=trusted, output_loading_info=True
    )
    if found["missing_keys"]:  # the library would go on with random ones
        raise UpstreamError(
            f"The model {name!r} lacks {len(found['missing_keys'])} of its weights: download it again.", adapter=ADAPTER
        )
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    recommended = model.generation_config
    ends = _ends(recommended.eos_token_id, tokenizer.eos_token_id)
    # Every answer brings its own: generate() would fill in what it leaves open from the model's.
    padding = recommended.pad_token_id if recommended.pad_token_id is not None else next(iter(ends), None)
    model.generation_config = GenerationConfig(eos_token_id=list(ends) or None, pad_token_id=padding)
    return Loaded(
        model=model.eval(),
        tokenizer=tokenizer,
        processor=processor,
        context=context,
        recommended=recommended,
        ends=ends,
    )


def _ends(of_the_model: int | list[int] | None, of_the_tokenizer: int | None) -> tuple[int, ...]:
    named = of_the_model if isinstance(of_the_model, list) else [of_the_model]
    return tuple(dict.fromkeys(token for token in (*named, of_the_tokenizer) if token is not None))
