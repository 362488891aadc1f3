"""Chooses the next token of one answer with mlx-lm's samplers and logits processors."""

import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mlx.core as mx
from mlx_lm.sample_utils import make_logits_processors, make_sampler

from adapters.llm.mlx_lm.loader import Loaded
from adapters.llm.mlx_lm.request import Asked

Sampler = Callable[[Any], Any]
Processor = Callable[[Any, Any], Any]


def sampler(loaded: Loaded, asked: Asked) -> Sampler | None:
    """How tokens are drawn from their log-probabilities; ``None`` takes the likeliest."""
    wanted, chosen = asked.generation, asked.parameters
    if not wanted.do_sample:
        return None
    most = len(loaded.tokenizer)
    drawing = _sampler(
        temp=wanted.temperature,
        top_p=max(chosen.top_p, 1e-6),  # 0 is none to mlx-lm; as OpenAI has it, it leaves the likeliest
        min_p=chosen.min_p,
        min_tokens_to_keep=chosen.min_tokens_to_keep,
        top_k=chosen.top_k if chosen.top_k < most else 0,  # mlx-lm refuses as many as there are
        xtc_probability=chosen.xtc_probability,
        xtc_threshold=chosen.xtc_threshold,
        xtc_special_tokens=loaded.ends,
    )
    return drawing if wanted.seed is None else _seeded(drawing, wanted.seed)


@lru_cache(maxsize=64)
def _sampler(**parameters: Any) -> Sampler:
    """One and the same for the same parameters: mlx-lm draws for those that share one in a single call."""
    made: Sampler = make_sampler(**parameters | {"xtc_special_tokens": list(parameters["xtc_special_tokens"])})
    return made


def _seeded(drawing: Sampler, seed: int) -> Sampler:
    """Draw the same for the same ``seed``, whoever else draws in between; the others' chance stays chance."""
    keys = random.Random(seed)

    def draw(logprobs: Any) -> Any:
        mx.random.seed(keys.getrandbits(63))
        try:
            return drawing(logprobs)
        finally:
            mx.random.seed(random.getrandbits(63))

    return draw


def processors(loaded: Loaded, asked: Asked, *, seen: int) -> list[Processor]:
    """What changes the scores before a token is drawn: penalties, biases, no end before ``min_new_tokens``.

    ``seen`` is how many of the prompt's tokens mlx-lm shows to them.
    """
    chosen = asked.parameters
    made: list[Processor] = make_logits_processors(
        logit_bias={token: bias for token, bias in chosen.logit_bias.items() if token < len(loaded.tokenizer)},
        repetition_penalty=chosen.repetition_penalty if chosen.repetition_penalty != 1.0 else None,
        repetition_context_size=chosen.repetition_context_size,
        presence_penalty=chosen.presence_penalty,
        presence_context_size=chosen.presence_context_size,
        frequency_penalty=chosen.frequency_penalty,
        frequency_context_size=chosen.frequency_context_size,
    )
    if asked.generation.min_new_tokens:
        made.append(_no_end_before(seen + asked.generation.min_new_tokens, loaded.ends))
    return made


def whole_prompt(made: list[Processor], prompt: list[int]) -> list[Processor]:
    """The processors ``made``, shown all tokens of the ``prompt``: the libraries show what they compute of it alone."""
    return [_shown(process, prompt) for process in made]


def _shown(process: Processor, prompt: list[int]) -> Processor:
    head: Any = None

    def shown(tokens: Any, logits: Any) -> Any:
        nonlocal head
        if head is None:
            head = mx.array(prompt[: max(0, len(prompt) - len(tokens))], dtype=tokens.dtype)
        return process(mx.concatenate([head, tokens]), logits)

    return shown


def _no_end_before(length: int, ends: tuple[int, ...]) -> Processor:
    forbidden = mx.array(ends)

    def forbid(tokens: Any, logits: Any) -> Any:
        if len(tokens) < length:
            logits[:, forbidden] = -float("inf")
        return logits

    return forbid
