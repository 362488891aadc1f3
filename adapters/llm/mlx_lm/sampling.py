"""Samples the next token of one answer with the samplers and logits processors of mlx-lm."""

import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import mlx.core as mx
from mlx_lm.sample_utils import make_logits_processors, make_sampler

from adapters.llm.loaded_model import LoadedModel
from adapters.llm.local_errors import NonFiniteScores
from adapters.llm.mlx_lm.request import GenerationRequest

Sample = Callable[[Any], Any]
"""From the log-probabilities of the tokens to one token."""

LogitsProcessor = Callable[[Any, Any], Any]
"""From the tokens so far and the scores of the next to other scores."""


def sampler(loaded: LoadedModel, job: GenerationRequest) -> Sample | None:
    """How the tokens of an answer are sampled; ``None`` chooses the most likely one."""
    settings, parameters = job.settings, job.parameters
    if not settings.do_sample:
        return None
    vocabulary = len(loaded.tokenizer)
    sample = _sampler(
        temp=settings.temperature,
        top_p=max(parameters.top_p, 1e-6),  # mlx-lm ignores 0; in OpenAI's API it leaves the most likely token
        min_p=parameters.min_p,
        min_tokens_to_keep=parameters.min_tokens_to_keep,
        top_k=parameters.top_k if parameters.top_k < vocabulary else 0,  # mlx-lm refuses the whole vocabulary
        xtc_probability=parameters.xtc_probability,
        xtc_threshold=parameters.xtc_threshold,
        xtc_special_tokens=loaded.ends,
    )
    return sample if settings.seed is None else _seeded(sample, settings.seed)


@lru_cache(maxsize=64)
def _sampler(**parameters: Any) -> Sample:
    """The same object for the same parameters: mlx-lm samples for the answers that share one in a single call."""
    made: Sample = make_sampler(**parameters | {"xtc_special_tokens": list(parameters["xtc_special_tokens"])})
    return made


def _seeded(sample: Sample, seed: int) -> Sample:
    """Seeded samples for one answer, which do not disturb the shared generator."""
    keys = random.Random(seed)

    def seeded(logprobs: Any) -> Any:
        mx.random.seed(keys.getrandbits(63))
        try:
            return sample(logprobs)
        finally:
            mx.random.seed(random.getrandbits(63))

    return seeded


def are_finite(chosen: Sequence[tuple[int, Any]]) -> list[bool]:
    """For each token and the log-probabilities (computed already) by which it was chosen, whether these are numbers.

    One score that is not a finite number makes the logarithms of all probabilities NaN.
    """
    with mx.stream(mx.cpu):  # the GPU is busy with the next tokens
        finite: Any = mx.isfinite(mx.stack([logprobs[token] for token, logprobs in chosen])).tolist()
    return list(finite)


def check_finite(token: int, logprobs: Any) -> None:
    """Raise ``NonFiniteScores`` when ``token`` was chosen by ``logprobs`` that are not finite."""
    if not all(are_finite([(token, logprobs)])):
        raise NonFiniteScores


def processors(loaded: LoadedModel, job: GenerationRequest, *, seen: int) -> list[LogitsProcessor]:
    """What changes the scores before sampling: penalties, biases, no end before ``min_new_tokens``.

    ``seen`` is the number of the prompt's tokens that mlx-lm passes to them.
    """
    parameters = job.parameters
    made: list[LogitsProcessor] = make_logits_processors(
        logit_bias={token: bias for token, bias in parameters.logit_bias.items() if token < len(loaded.tokenizer)},
        repetition_penalty=parameters.repetition_penalty if parameters.repetition_penalty != 1.0 else None,
        repetition_context_size=parameters.repetition_context_size,
        presence_penalty=parameters.presence_penalty,
        presence_context_size=parameters.presence_context_size,
        frequency_penalty=parameters.frequency_penalty,
        frequency_context_size=parameters.frequency_context_size,
    )
    if job.settings.min_new_tokens:
        made.append(_no_end_before(seen + job.settings.min_new_tokens, loaded.ends))
    return made


def with_whole_prompt(made: list[LogitsProcessor], prompt: list[int]) -> list[LogitsProcessor]:
    """``made``, called with all tokens of ``prompt``: the libraries pass only those that they compute."""
    return [_with_prompt(process, prompt) for process in made]


def _with_prompt(process: LogitsProcessor, prompt: list[int]) -> LogitsProcessor:
    head: Any = None

    def with_prompt(tokens: Any, logits: Any) -> Any:
        nonlocal head
        if head is None:
            head = mx.array(prompt[: max(0, len(prompt) - len(tokens))], dtype=tokens.dtype)
        return process(mx.concatenate([head, tokens]), logits)

    return with_prompt


def _no_end_before(length: int, ends: tuple[int, ...]) -> LogitsProcessor:
    forbidden = mx.array(ends)

    def forbid(tokens: Any, logits: Any) -> Any:
        if len(tokens) < length:
            logits[:, forbidden] = -float("inf")
        return logits

    return forbid
