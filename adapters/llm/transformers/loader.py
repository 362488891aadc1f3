"""Loads a model and its tokenizer with transformers; imports torch."""

import logging
import sys
import time
from pathlib import Path

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
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.local_options import TransformersOptions
from adapters.llm.transformers.errors import ADAPTER, load_error
from adapters.local import devices

_log = logging.getLogger(__name__)


def load(name: str, folder: Path, options: TransformersOptions) -> LoadedModel:
    """Load the model ``name``, whose files are in ``folder``.

    Raises ``Unavailable`` when there is not enough memory, ``UpstreamError`` for everything else.
    """
    started = time.monotonic()
    torch.set_grad_enabled(False)  # of this thread, which only generates
    device = devices.select_device(options.llm_device)
    devices.configure(device)
    precision = str(devices.select_dtype(options.llm_torch_dtype, device)).removeprefix("torch.")
    _log.info("transformers: loading %s as %s on %s.", name, precision, device)
    if not sys.stderr.isatty():  # progress bars are for people; the log has the lines before and after
        transformers.utils.logging.disable_progress_bar()
    try:
        loaded = _load(name, folder, options, device)
    except Exception as error:
        raise load_error(name, error) from error
    _log.info("transformers: loaded %s in %.1f s.", name, time.monotonic() - started)
    return loaded


def _load(name: str, folder: Path, options: TransformersOptions, device: torch.device) -> LoadedModel:
    trusted = options.llm_trust_remote_code
    processor = AutoProcessor.from_pretrained(folder, trust_remote_code=trusted) if options.llm_is_vlm else None
    if processor and not hasattr(processor, "image_processor"):
        raise UpstreamError(f"The model {name!r} is not a vision model: omit --llm_is_vlm.", adapter=ADAPTER)
    tokenizer = processor.tokenizer if processor else AutoTokenizer.from_pretrained(folder, trust_remote_code=trusted)
    template = (processor or tokenizer).chat_template
    if template is None:
        raise UpstreamError(
            f"The model {name!r} has no chat template, so it cannot hold a conversation: choose its instruct or chat "
            "version.",
            adapter=ADAPTER,
        )
    dtype = devices.select_dtype(options.llm_torch_dtype, device)
    auto_class = AutoModelForImageTextToText if options.llm_is_vlm else AutoModelForCausalLM
    model, found = auto_class.from_pretrained(
        folder, dtype=dtype, device_map=device, trust_remote_code=trusted, output_loading_info=True
    )
    if found["missing_keys"]:  # the library would fill them with random numbers
        raise UpstreamError(
            f"The model {name!r} lacks {len(found['missing_keys'])} of its weights: download it again.", adapter=ADAPTER
        )
    recommended = model.generation_config
    ends = _ends(recommended.eos_token_id, tokenizer.eos_token_id)
    # Every answer brings its own configuration: generate() would take from the model's what that leaves unset.
    padding = recommended.pad_token_id if recommended.pad_token_id is not None else next(iter(ends), None)
    model.generation_config = GenerationConfig(eos_token_id=list(ends) or None, pad_token_id=padding)
    return LoadedModel(
        model=model.eval(),
        tokenizer=tokenizer,
        processor=processor,
        template=str(template),
        context_tokens=getattr(model.config.get_text_config(), "max_position_embeddings", None),
        recommended=recommended,
        ends=ends,
    )


def _ends(of_the_model: int | list[int] | None, of_the_tokenizer: int | None) -> tuple[int, ...]:
    named = of_the_model if isinstance(of_the_model, list) else [of_the_model]
    return tuple(dict.fromkeys(token for token in (*named, of_the_tokenizer) if token is not None))
