"""Sizes the paged cache of continuous batching, and makes the library's batch processor with it."""

import logging
import sys
from typing import Any

from transformers.generation import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.utils import find_head_dim, find_num_key_value_heads

from adapters.llm.loaded_model import LoadedModel
from adapters.llm.local_options import TransformersOptions
from adapters.llm.transformers import memory
from adapters.llm.transformers.logits_hook import LogitsHook
from adapters.local.device_errors import is_out_of_memory

logging.getLogger("ContinuousBatchingLogger").setLevel(logging.WARNING)  # it has a handler of its own

PAGE_TOKENS = 16
"""Tokens of a page: a prefix that two conversations share is found in multiples of it."""

CONVERSATION_TOKENS = 4096
"""Tokens that are planned for one conversation. All share the cache, so one may take more."""

STEP_TOKENS, STEP_TOKENS_ON_GPU = 512, 2048
"""Tokens of waiting prompts that are computed between two tokens of the other answers; GPUs take more in one pass."""


class TooLittleMemory(MemoryError):
    """There is no room for the cache of one conversation."""

    def __init__(self, *, free: int, needed: int, tokens: int) -> None:
        super().__init__(
            f"{free / 1e9:.1f} GB of memory are free, and at least {needed / 1e9:.1f} GB are needed to cache a "
            f"conversation of {tokens} tokens"
        )


class StepOutputs:
    """Collects the outputs of a step, in place of the library's router to other threads."""

    def __init__(self) -> None:
        self._outputs: list[Any] = []

    def deliver_batch(self, outputs: list[Any]) -> None:
        """Called by the library."""
        self._outputs.extend(outputs)

    def take(self) -> list[Any]:
        """The outputs since the last call."""
        outputs, self._outputs = self._outputs, []
        return outputs


def batch_processor(loaded: LoadedModel, options: TransformersOptions, hook: LogitsHook, outputs: StepOutputs) -> Any:
    """The library's batch processor with a cache as large as planned, or as memory allows.

    Raises ``TooLittleMemory`` when there is no room for one conversation, and what the library raises for the model.
    """
    conversation = min(loaded.context_tokens or CONVERSATION_TOKENS, CONVERSATION_TOKENS)
    pages = (options.llm_max_parallel + options.llm_prefix_cache) * conversation // PAGE_TOKENS
    pages = max(pages, min(loaded.context_tokens or 0, 8 * CONVERSATION_TOKENS) // PAGE_TOKENS)
    pages = min(pages, _affordable_pages(loaded.model, conversation))
    while True:
        try:
            return _create(loaded, options, hook, outputs, pages)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if pages * PAGE_TOKENS <= conversation:
                free, needed = memory.available(loaded.model.device), conversation * _bytes_of_a_token(loaded.model)
                raise TooLittleMemory(free=free, needed=needed, tokens=conversation) from error
        pages //= 2


def _create(
    loaded: LoadedModel, options: TransformersOptions, hook: LogitsHook, outputs: StepOutputs, pages: int
) -> Any:
    manager = loaded.model.init_continuous_batching(
        generation_config=GenerationConfig(do_sample=False, eos_token_id=-1),
        continuous_batching_config=ContinuousBatchingConfig(
            page_size=PAGE_TOKENS,
            num_blocks=pages,
            max_batch_tokens=STEP_TOKENS if loaded.model.device.type == "cpu" else STEP_TOKENS_ON_GPU,
            max_memory_percent=0.8,
            max_requests_per_batch=options.llm_max_parallel,
            allow_block_sharing=options.llm_prefix_cache > 0,
            use_async_batching=False,  # a token must be known before the next is sampled
            use_cuda_graph=False,
            auto_switch_to_flash=False,
        ),
    )
    manager.logit_processor = hook
    manager.output_router = outputs
    return manager._create_batch_processor()


def _affordable_pages(model: Any, conversation: int) -> int:
    """The pages in half of the host's free memory for a model on the cpu; for other devices the library checks.

    Raises ``TooLittleMemory`` when not even one ``conversation``, in tokens, fits.
    """
    if model.device.type != "cpu":
        return sys.maxsize
    free, token = memory.available(model.device), _bytes_of_a_token(model)
    pages = free // 2 // (PAGE_TOKENS * token)
    if pages * PAGE_TOKENS < conversation:
        raise TooLittleMemory(free=free, needed=2 * conversation * token, tokens=conversation)
    return pages


def _bytes_of_a_token(model: Any) -> int:
    """The size of the keys and values of one token."""
    config = model.config.get_text_config()
    numbers: int = config.num_hidden_layers * find_num_key_value_heads(config) * find_head_dim(config)
    return 2 * numbers * int(model.dtype.itemsize)
