"""Writes one answer after the other with mlx-lm: for models whose cache it cannot batch, or where that is wanted."""

from collections.abc import Generator, Iterator
from typing import Any

import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import make_prompt_cache

from adapters.blocking import Ended
from adapters.llm.mlx_lm import sampling
from adapters.llm.mlx_lm.asking import Asked
from adapters.llm.mlx_lm.failures import of_an_answer
from adapters.llm.mlx_lm.loading import Loaded
from adapters.llm.mlx_lm.prefixes import Prefixes
from adapters.llm.mlx_lm.together import PREFILL_TOKENS, Token, release


class Alone:
    """The batch of one: ``info.max_parallel`` keeps others waiting; should more come, they wait for their turn."""

    def __init__(self, loaded: Loaded, *, conversations: int) -> None:
        self._loaded = loaded
        self._prefixes = Prefixes(conversations)
        self._answers: dict[int, Generator[Token, None, None]] = {}

    def add(self, key: int, job: Asked) -> None:
        """Take an answer in; nothing is computed yet."""
        self._answers[key] = self._answer(job)

    def drop(self, key: int) -> None:
        """End an answer; what was computed for it is kept, for the conversation may go on."""
        self._answers.pop(key).close()

    def step(self) -> Iterator[tuple[int, Token | Exception | Ended]]:
        """The next token of the answer that came first; its first one when the whole prompt is read."""
        key, answer = next(iter(self._answers.items()))
        try:
            token = next(answer, None)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to the one who waits
            del self._answers[key]
            self._prefixes.forget()
            mx.clear_cache()
            yield key, of_an_answer(error).with_traceback(None)
            return
        if token is None:
            del self._answers[key]
        yield key, Ended() if token is None else token

    def close(self) -> None:
        """Release the model's memory and the thread's streams."""
        for answer in self._answers.values():
            answer.close()
        self._prefixes.forget()
        del self._answers, self._loaded
        release()

    def _answer(self, job: Asked) -> Generator[Token, None, None]:
        cache, cached = self._prefixes.take(job.tokens)
        if cache is None:
            cache = make_prompt_cache(self._loaded.model)
        rest = job.tokens[cached:]
        steps: Any = generate_step(
            mx.array(rest),
            self._loaded.model,
            max_tokens=job.generation.max_new_tokens,
            sampler=sampling.sampler(self._loaded, job),
            logits_processors=sampling.processors(self._loaded, job, seen=len(rest)),
            prompt_cache=cache,
            prefill_step_size=PREFILL_TOKENS,
        )
        computed = list(job.tokens)
        try:
            for token, _ in steps:
                computed.append(token)  # when mlx-lm hands a token out, it is in the cache already
                yield Token(id=token, cached=cached)
                if token in self._loaded.ends:
                    return
        finally:
            steps.close()
            if len(computed) > len(job.tokens):
                self._prefixes.keep(computed, cache)
