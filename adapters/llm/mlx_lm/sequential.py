"""Writes one answer after the other with mlx-lm: for models whose cache it cannot batch, or where that is wanted."""

from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any, Protocol

import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import make_prompt_cache

from adapters.blocking import Ended, Left
from adapters.llm.decoding.event_stream import Token
from adapters.llm.mlx_lm import sampling
from adapters.llm.mlx_lm.batched import PREFILL_TOKENS, release
from adapters.llm.mlx_lm.errors import of_an_answer
from adapters.llm.mlx_lm.loader import Loaded
from adapters.llm.mlx_lm.prefix_cache import Prefixes
from adapters.llm.mlx_lm.request import Asked, Question

Piece = Token | Asked
"""What comes of a job: the tokens of an answer; of a question to a model that sees, what is to be answered."""


class Writer(Protocol):
    """Where the tokens come from."""

    def answer(self, job: Any, check: Callable[[], None]) -> Generator[Piece, None, None]:
        """Write one answer; ``check``, called between the pieces of its prompt, raises ``Left`` to end it there."""

    def forget(self) -> None:
        """Keep nothing of what was computed."""


class Alone:
    """The batch of one: ``info.max_parallel`` keeps others waiting; should more come, they wait for their turn."""

    def __init__(self, writer: Writer, check: Callable[[int], None]) -> None:
        self._writer = writer
        self._check = check
        self._answers: dict[int, Generator[Piece, None, None]] = {}

    def add(self, key: int, job: Asked | Question) -> None:
        """Take an answer in; nothing is computed yet."""
        self._answers[key] = self._writer.answer(job, partial(self._check, key))

    def drop(self, key: int) -> None:
        """End an answer; what was computed for it is kept, for the conversation may go on."""
        self._answers.pop(key).close()

    def step(self) -> Iterator[tuple[int, Piece | Exception | Ended]]:
        """The next token of the answer that came first; its first one when the whole prompt is read."""
        key, answer = next(iter(self._answers.items()))
        try:
            piece = next(answer, None)
        except Left:  # it is dropped or closed next
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to the one who waits
            del self._answers[key]
            self._writer.forget()
            mx.clear_cache()
            yield key, of_an_answer(error).with_traceback(None)
            return
        if piece is None:
            del self._answers[key]
        yield key, Ended() if piece is None else piece

    def close(self) -> None:
        """Release the model's memory and the thread's streams."""
        for answer in self._answers.values():
            answer.close()
        self._writer.forget()
        del self._answers, self._writer
        release()


class TextWriter:
    """Writes with mlx-lm; keeps the beginnings of so many ``conversations`` computed."""

    def __init__(self, loaded: Loaded, *, conversations: int) -> None:
        self._loaded = loaded
        self._prefixes = Prefixes(conversations)

    def forget(self) -> None:
        """Keep nothing of what was computed."""
        self._prefixes.forget()

    def answer(self, job: Asked, check: Callable[[], None]) -> Generator[Token, None, None]:
        """Write one answer; what ``check`` raises ends it."""
        cache, cached = self._prefixes.take(job.tokens)
        if cache is None:
            cache = make_prompt_cache(self._loaded.model)
        rest = job.tokens[cached:]
        computed = job.tokens[:cached]

        def read(done: int, of: int) -> None:
            computed[cached:] = rest[:done]
            if done < of:
                check()

        processors = sampling.processors(self._loaded, job, seen=len(job.tokens))
        steps: Any = generate_step(
            mx.array(rest),
            self._loaded.model,
            max_tokens=job.generation.max_new_tokens,
            sampler=sampling.sampler(self._loaded, job),
            logits_processors=sampling.whole_prompt(processors, job.tokens),
            prompt_cache=cache,
            prefill_step_size=PREFILL_TOKENS,
            prompt_progress_callback=read,
        )
        try:
            for token, _ in steps:
                computed.append(token)  # when mlx-lm hands a token out, it is in the cache already
                yield Token(id=token, cached=cached)
                if token in self._loaded.ends:
                    return
        finally:
            steps.close()
            self._prefixes.keep(computed, cache)
