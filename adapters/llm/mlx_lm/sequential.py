"""Generates one answer at a time with mlx-lm: for vision models, and for models whose cache it cannot batch."""

from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any, Protocol

import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import make_prompt_cache

from adapters.blocking import Ended, ReaderLeft
from adapters.llm.decoding.event_stream import Token
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.mlx_lm import memory, sampling
from adapters.llm.mlx_lm.batched import PREFILL_TOKENS
from adapters.llm.mlx_lm.errors import generation_error
from adapters.llm.mlx_lm.prefix_cache import PrefixCache
from adapters.llm.mlx_lm.request import GenerationRequest, PreparedPrompt
from adapters.local.device_errors import is_device_lost

Output = Token | GenerationRequest
"""What a job gives: the tokens of an answer, or the request to which the prompt of a vision model is encoded."""


class AnswerGenerator(Protocol):
    """Generates the answers of a model, one at a time."""

    def generate(self, job: Any, check: Callable[[], None]) -> Generator[Output, None, None]:
        """Run one job; ``check`` is called between the parts of its prompt and raises ``ReaderLeft`` to end it."""

    def clear(self) -> None:
        """Drop everything that was computed."""


class SequentialBatch:
    """A batch that advances the job that came first; the gateway, by ``info.max_parallel``, sends one at a time."""

    def __init__(self, generator: AnswerGenerator, check: Callable[[int], None]) -> None:
        self._generator = generator
        self._check = check
        self._jobs: dict[int, Generator[Output, None, None]] = {}

    def add(self, key: int, job: GenerationRequest | PreparedPrompt) -> None:
        """Add a job; nothing is computed yet."""
        self._jobs[key] = self._generator.generate(job, partial(self._check, key))

    def drop(self, key: int) -> None:
        """End a job; what was computed for it is kept, because the conversation may continue."""
        self._jobs.pop(key).close()

    def step(self) -> Iterator[tuple[int, Output | Exception | Ended]]:
        """The next token of the job that came first; for the first token the whole prompt is computed.

        Raises when the device is lost.
        """
        key, job = next(iter(self._jobs.items()))
        try:
            output = next(job, None)
        except ReaderLeft:  # it is dropped or closed next
            return
        except Exception as error:  # every other failure is passed to the reader of this job
            if is_device_lost(error):
                raise
            del self._jobs[key]
            self._generator.clear()
            memory.free()
            yield key, generation_error(error).with_traceback(None)
            return
        if output is None:
            del self._jobs[key]
        yield key, Ended() if output is None else output

    def close(self) -> None:
        """Release the model's memory and the thread's streams."""
        for job in self._jobs.values():
            job.close()
        self._generator.clear()
        del self._jobs, self._generator
        memory.release_thread()


class TextGenerator:
    """Generates with mlx-lm; the prefixes of ``conversations`` conversations are kept."""

    def __init__(self, loaded: LoadedModel, *, conversations: int) -> None:
        self._loaded = loaded
        self._prefixes = PrefixCache(conversations)

    def clear(self) -> None:
        """Drop the prefixes."""
        self._prefixes.clear()

    def generate(self, job: GenerationRequest, check: Callable[[], None]) -> Generator[Token, None, None]:
        """Generate one answer; an exception of ``check`` ends it."""
        cache, cached = self._prefixes.take(job.tokens)
        if cache is None:
            cache = make_prompt_cache(self._loaded.model)
        rest = job.tokens[cached:]
        computed = job.tokens[:cached]

        def on_progress(done: int, total: int) -> None:
            computed[cached:] = rest[:done]
            if done < total:
                check()

        processors = sampling.processors(self._loaded, job, seen=len(job.tokens))
        steps: Any = generate_step(
            mx.array(rest),
            self._loaded.model,
            max_tokens=job.settings.max_new_tokens,
            sampler=sampling.sampler(self._loaded, job),
            logits_processors=sampling.with_whole_prompt(processors, job.tokens),
            prompt_cache=cache,
            prefill_step_size=PREFILL_TOKENS,
            prompt_progress_callback=on_progress,
        )
        try:
            for token, logprobs in steps:
                sampling.check_finite(token, logprobs)
                computed.append(token)  # when mlx-lm yields a token, it is in the cache already
                yield Token(id=token, cached=cached)
                if token in self._loaded.ends:
                    return
        finally:
            steps.close()
            self._prefixes.store(computed, cache)
