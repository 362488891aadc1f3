"""Generates many answers at once with the batched generation of mlx-lm, all in one thread."""

from collections.abc import Iterator
from typing import Any

import msgspec
from mlx_lm.generate import BatchGenerator

from adapters.blocking import Ended
from adapters.llm.decoding.event_stream import Token
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.local_errors import NonFiniteScores
from adapters.llm.mlx_lm import memory, sampling
from adapters.llm.mlx_lm.errors import generation_error
from adapters.llm.mlx_lm.prefix_cache import PrefixCache
from adapters.llm.mlx_lm.request import GenerationRequest
from adapters.local.device_errors import is_device_lost

PREFILL_TOKENS = 512
"""Tokens of a prompt that are computed in one step: the other answers wait that long for their next token."""


class _ActiveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that is being generated; ``number`` is mlx-lm's."""

    key: int
    number: int
    cached: int


class ContinuousBatch:
    """The batch: generates ``parallel`` answers and computes ``prompts`` prompts at once; further ones wait.

    The prefixes of ``conversations`` conversations are kept.
    """

    def __init__(self, loaded: LoadedModel, *, parallel: int, prompts: int, conversations: int) -> None:
        self._loaded = loaded
        self._parallel = parallel
        self._prompts = prompts
        self._prefixes = PrefixCache(conversations)
        self._generator = self._create()
        self._answers: dict[int, _ActiveAnswer] = {}  # by mlx-lm's number

    def _create(self) -> Any:
        return BatchGenerator(
            self._loaded.model,
            stop_tokens=[[token] for token in self._loaded.ends],
            completion_batch_size=self._parallel,
            prefill_batch_size=self._prompts,
            prefill_step_size=PREFILL_TOKENS,
        )

    def add(self, key: int, job: GenerationRequest) -> None:
        """Add an answer; nothing is computed yet."""
        cache, cached = self._prefixes.take(job.tokens)
        (number,) = self._generator.insert(
            [job.tokens[cached:]],
            [job.settings.max_new_tokens],
            caches=[cache],
            all_tokens=[job.tokens[:cached]],
            samplers=[sampling.sampler(self._loaded, job)],
            logits_processors=[sampling.processors(self._loaded, job, seen=len(job.tokens))],
        )
        self._answers[number] = _ActiveAnswer(key=key, number=number, cached=cached)

    def drop(self, key: int) -> None:
        """End an answer; what was computed for it is kept, because the conversation may continue."""
        (answer,) = [answer for answer in self._answers.values() if answer.key == key]
        del self._answers[answer.number]
        computed = self._generator.remove([answer.number], return_prompt_caches=True)
        for cache, tokens in computed.values():
            self._prefixes.store(tokens, cache)

    def step(self) -> Iterator[tuple[int, Token | Exception | Ended]]:
        """The next token of every answer whose prompt is computed, and the next part of the other prompts.

        Raises when the device is lost.
        """
        try:
            _, responses = self._generator.next()
        except Exception as error:  # every other failure is passed to all readers
            if is_device_lost(error):
                raise
            yield from self._reset(generation_error(error).with_traceback(None))
            return
        if not responses:
            return
        finite = sampling.are_finite([(response.token, response.logprobs) for response in responses])
        for response, is_finite in zip(responses, finite, strict=True):
            answer = self._answers[response.uid]
            if not is_finite:
                del self._answers[answer.number]
                self._generator.remove([answer.number])
                yield answer.key, generation_error(NonFiniteScores())
                continue
            yield answer.key, Token(id=response.token, cached=answer.cached)
            if response.finish_reason is not None:
                del self._answers[answer.number]
                self._prefixes.store(response.all_tokens, response.prompt_cache)
                yield answer.key, Ended()

    def _reset(self, error: Exception) -> Iterator[tuple[int, Exception]]:
        """End all answers with ``error`` and restart: the state is undefined after a failed step."""
        answers, self._answers = self._answers, {}
        self._prefixes.clear()
        self._generator = self._create()
        memory.free()
        for answer in answers.values():
            yield answer.key, error

    def close(self) -> None:
        """Release the model's memory and the thread's streams."""
        self._prefixes.clear()
        self._generator.close()
        del self._generator, self._loaded
        memory.release_thread()
