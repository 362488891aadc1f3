"""Loads a model and its tokenizer with mlx-lm; imported only in the thread that runs the model."""

import logging
import random
import sys
import time
from pathlib import Path
from typing import Any

import mlx.core as mx
from huggingface_hub.utils.tqdm import disable_progress_bars
from mlx_lm import utils

from adapters.contract.errors import UpstreamError
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.local_options import MlxOptions
from adapters.llm.mlx_lm.errors import ADAPTER, load_error
from adapters.llm.mlx_lm.model_config import context_tokens, recommended

_log = logging.getLogger(__name__)


def load(name: str, folder: Path, options: MlxOptions) -> LoadedModel:
    """Load the model ``name``, whose files are in ``folder``.

    Raises ``Unavailable`` when there is not enough memory, ``UpstreamError`` for everything else.
    """
    started = time.monotonic()
    _log.info("mlx-lm: loading %s on %s.", name, mx.default_device().type.name)
    if not sys.stderr.isatty():  # progress bars are for people; the log has the lines before and after
        disable_progress_bars()
    try:
        loaded = _load(name, folder, options)
    except Exception as error:
        raise load_error(name, error) from error
    mx.random.seed(random.getrandbits(63))
    _log.info("mlx-lm: loaded %s in %.1f s.", name, time.monotonic() - started)
    return loaded


def _load(name: str, folder: Path, options: MlxOptions) -> LoadedModel:
    trusted = options.llm_trust_remote_code
    if options.llm_is_vlm:
        from adapters.llm.mlx_lm import vision_loader  # noqa: PLC0415 - imports mlx_vlm, an extra of its own

        loaded = vision_loader.load(folder, trusted=trusted)
    else:
        loaded = _load_text_model(folder, trusted=trusted)
    if loaded.tokenizer.chat_template is None:
        raise UpstreamError(
            f"The model {name!r} has no chat template, so it cannot hold a conversation: choose its instruct or chat "
            "version.",
            adapter=ADAPTER,
        )
    return loaded


def _load_text_model(folder: Path, *, trusted: bool) -> LoadedModel:
    loaded: Any = utils.load(
        str(folder), tokenizer_config={"trust_remote_code": trusted}, return_config=True, trust_remote_code=trusted
    )
    model, wrapper, config = loaded
    return LoadedModel(
        model=model,
        tokenizer=wrapper._tokenizer,
        template=str(wrapper._tokenizer.chat_template),
        context_tokens=context_tokens(config),
        recommended=recommended(folder),
        ends=tuple(sorted(wrapper.eos_token_ids)),
    )
