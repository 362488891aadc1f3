"""Loads a model and its tokenizer with mlx-lm; imported only in the thread that is to work with it."""

import logging
import random
import sys
import time
from typing import Any

import mlx.core as mx
import msgspec
from huggingface_hub.utils.tqdm import disable_progress_bars
from mlx_lm import utils
from transformers import GenerationConfig

from adapters.contract.errors import UpstreamError
from adapters.llm.local_options import MlxOptions
from adapters.llm.mlx_lm.errors import ADAPTER, of_loading
from adapters.llm.mlx_lm.parameters import RECOMMENDED

_log = logging.getLogger(__name__)


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A model, ready; ``tokenizer`` is transformers' own and ``context`` in tokens, if known.

    ``processor`` is mlx-vlm's, of a model that sees only.

    ``recommended`` are generation parameters of its makers, ``ends`` the tokens that end an answer.
    """

    model: Any
    tokenizer: Any
    context: int | None
    recommended: dict[str, Any]
    ends: tuple[int, ...]
    processor: Any = None

    @property
    def template(self) -> str:
        """The text of the chat template."""
        return str(self.tokenizer.chat_template)


def load(model: str, options: MlxOptions) -> Loaded:
    """Load ``model``, a folder or a hub id, which is downloaded where it is not in the cache.

    Raises ``Unavailable`` when memory does not suffice, ``UpstreamError`` for everything else; either says the way out.
    """
    begun = time.monotonic()
    _log.info(
        "mlx-lm: loading %s on %s (downloaded first where it is not in the cache).",
        model,
        mx.default_device().type.name,
    )
    if not sys.stderr.isatty():  # bars are for people; a log has the lines before and after
        disable_progress_bars()
    try:
        loaded = _load(model, options)
    except Exception as error:
        raise of_loading(model, error) from error
    mx.random.seed(random.getrandbits(63))
    _log.info("mlx-lm: loaded %s in %.1f s.", model, time.monotonic() - begun)
    return loaded


def _load(name: str, options: MlxOptions) -> Loaded:
    trusted = options.llm_trust_remote_code
    if options.llm_is_vlm:
        from adapters.llm.mlx_lm import vision  # noqa: PLC0415 - imports mlx_vlm, an extra of its own

        loaded = vision.load(name, trusted=trusted)
    else:
        loaded = _text(name, trusted=trusted)
    if loaded.tokenizer.chat_template is None:
        raise UpstreamError(
            f"The model {name!r} has no chat template, so it cannot hold a conversation: choose its instruct or chat "
            "version.",
            adapter=ADAPTER,
        )
    return loaded


def _text(name: str, *, trusted: bool) -> Loaded:
    loaded: Any = utils.load(
        name, tokenizer_config={"trust_remote_code": trusted}, return_config=True, trust_remote_code=trusted
    )
    model, wrapper, config = loaded
    return Loaded(
        model=model,
        tokenizer=wrapper._tokenizer,
        context=context(config),
        recommended=recommended(name),
        ends=tuple(sorted(wrapper.eos_token_ids)),
    )


def context(config: dict[str, Any]) -> int | None:
    """The tokens that a model of this configuration takes, if it says so."""
    found: int | None = config.get("text_config", config).get("max_position_embeddings")
    return found


def recommended(name: str) -> dict[str, Any]:
    """The generation parameters that the makers of the model ``name`` recommend."""
    try:
        config = GenerationConfig.from_pretrained(name, local_files_only=True)
    except OSError:  # there is none
        return {}
    return {name: value for name in RECOMMENDED if (value := getattr(config, name, None)) is not None}
