"""Writes many answers at once with mlx-lm's batched generation; all of it in one thread."""

from collections.abc import Iterator
from typing import Any

import mlx.core as mx
import msgspec
from mlx_lm.generate import BatchGenerator

from adapters.blocking import Ended
from adapters.llm.decoding.event_stream import Token
from adapters.llm.mlx_lm import sampling
from adapters.llm.mlx_lm.errors import of_an_answer
from adapters.llm.mlx_lm.loader import Loaded
from adapters.llm.mlx_lm.prefix_cache import Prefixes
from adapters.llm.mlx_lm.request import Asked

PREFILL_TOKENS = 512
"""How much of a prompt is read in one step: the others wait that long for their next token."""


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One that is being written: ``number`` is mlx-lm's."""

    key: int
    number: int
    cached: int


class Together:
    """The batch: writes ``parallel`` answers at once and reads ``prompts`` prompts; what is more waits for a place."""

    def __init__(self, loaded: Loaded, *, parallel: int, prompts: int, conversations: int) -> None:
        self._loaded = loaded
        self._parallel = parallel
        self._prompts = prompts
        self._prefixes = Prefixes(conversations)
        self._generator = self._make()
        self._answers: dict[int, _Answer] = {}  # by the number

    def _make(self) -> Any:
        return BatchGenerator(
            self._loaded.model,
            stop_tokens=[[token] for token in self._loaded.ends],
            completion_batch_size=self._parallel,
            prefill_batch_size=self._prompts,
            prefill_step_size=PREFILL_TOKENS,
        )

    def add(self, key: int, job: Asked) -> None:
        """Take an answer in; nothing is computed yet."""
        cache, cached = self._prefixes.take(job.tokens)
        (number,) = self._generator.insert(
            [job.tokens[cached:]],
            [job.generation.max_new_tokens],
            caches=[cache],
            all_tokens=[job.tokens[:cached]],
            samplers=[sampling.sampler(self._loaded, job)],
            logits_processors=[sampling.processors(self._loaded, job, seen=len(job.tokens))],
        )
        self._answers[number] = _Answer(key=key, number=number, cached=cached)

    def drop(self, key: int) -> None:
        """End an answer; what was computed for it is kept, for the conversation may go on."""
        (answer,) = [answer for answer in self._answers.values() if answer.key == key]
        del self._answers[answer.number]
        computed = self._generator.remove([answer.number], return_prompt_caches=True)
        for cache, tokens in computed.values():
            self._prefixes.keep(tokens, cache)

    def step(self) -> Iterator[tuple[int, Token | Exception | Ended]]:
        """A token for every answer whose prompt is read, and the next piece of the other prompts."""
        try:
            _, written = self._generator.next()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to those who wait
            yield from self._lose_all(of_an_answer(error).with_traceback(None))
            return
        for response in written:
            answer = self._answers[response.uid]
            yield answer.key, Token(id=response.token, cached=answer.cached)
            if response.finish_reason is not None:
                del self._answers[answer.number]
                self._prefixes.keep(response.all_tokens, response.prompt_cache)
                yield answer.key, Ended()

    def _lose_all(self, error: Exception) -> Iterator[tuple[int, Exception]]:
        """Begin anew: what a step that failed left behind cannot be told."""
        lost, self._answers = self._answers, {}
        self._prefixes.forget()
        self._generator = self._make()
        mx.clear_cache()
        for answer in lost.values():
            yield answer.key, error

    def close(self) -> None:
        """Release the model's memory and the thread's streams."""
        self._prefixes.forget()
        self._generator.close()
        del self._generator, self._loaded
        release()


def release() -> None:
    """Release what mlx holds for this thread, as its last act."""
    mx.synchronize()
    mx.clear_cache()
    # mlx 0.32 aborts the process at its exit when a thread has ended without it ("terminate called without an active
    # exception").
    mx.clear_streams()
