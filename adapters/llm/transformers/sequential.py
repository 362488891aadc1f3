"""Writes one answer after the other: for models and devices that cannot be batched, and for those that see."""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from adapters.blocking import Ended
from adapters.contract.errors import AdapterError
from adapters.llm.decoding.event_stream import Token
from adapters.llm.transformers import memory
from adapters.llm.transformers.errors import of_an_answer
from adapters.llm.transformers.loader import Loaded
from adapters.llm.transformers.request import Asked
from adapters.llm.transformers.sampling import Chooser, configuration, prepare


class Kept:
    """The computed beginnings of the latest conversations, at most ``most``; the latest is the last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._caches: list[tuple[list[int], DynamicCache]] = []

    def take(self, tokens: list[int]) -> DynamicCache | None:
        """A cache of as much of the beginning of ``tokens`` as there is, but for the last; ``None`` when of nothing."""
        shared, at = max(((_shared(kept, tokens), at) for at, (kept, _) in enumerate(self._caches)), default=(0, 0))
        shared = min(shared, len(tokens) - 1)  # the last one gives the scores of the next
        if shared <= 0:
            return None
        kept, cache = self._caches[at]
        if 2 * shared >= len(kept):
            del self._caches[at]  # the same conversation goes on
        else:
            cache = copy.deepcopy(cache)  # another one, which begins the same
        cache.crop(shared - len(kept))
        return cache

    def keep(self, tokens: list[int], cache: Any) -> None:
        """Keep ``cache``, computed for the beginning of ``tokens``, if it is one that can be shortened."""
        length = cache.get_seq_length() if isinstance(cache, DynamicCache) else 0
        if self._most and 0 < length <= len(tokens) and all(type(layer) is DynamicLayer for layer in cache.layers):
            self._caches = [*self._caches, (tokens[:length], cache)][-self._most :]

    def forget(self) -> None:
        """Keep nothing."""
        self._caches.clear()


class Alone:
    """The batch of one: ``info.max_parallel`` keeps others waiting; should more come, they take turns."""

    def __init__(self, loaded: Loaded, *, conversations: int) -> None:
        self._loaded = loaded
        self._kept = Kept(conversations)
        self._answers: dict[int, Iterator[Token]] = {}

    def add(self, key: int, job: Asked) -> None:
        """Take an answer in. Raises ``InvalidRequest``."""
        self._answers[key] = self._answer(job)

    def drop(self, key: int) -> None:
        """End an answer; what was computed for it is kept."""
        self._answers.pop(key).close()  # type: ignore[attr-defined]

    def step(self) -> Iterator[tuple[int, Token | Exception | Ended]]:
        """The next token."""
        for key, answer in list(self._answers.items()):
            try:
                token = next(answer, None)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told to the one who waits
                del self._answers[key]
                if not isinstance(error, AdapterError):
                    self._kept.forget()  # what was computed last may be whole in some layers only
                yield key, of_an_answer(error).with_traceback(None)
                memory.free()
                continue
            if token is None:
                del self._answers[key]
            yield key, Ended() if token is None else token

    def close(self) -> None:
        """Release what is kept."""
        self._kept.forget()

    def _answer(self, job: Asked) -> Iterator[Token]:
        model, prompt = self._loaded.model, job.tokens
        sees = len(job.inputs.keys() - {"input_ids", "attention_mask"}) > 0  # then tokens alone do not say what it is
        cache = None if sees else self._kept.take(prompt)
        cached = cache.get_seq_length() if cache is not None else 0
        inputs = job.inputs | ({"past_key_values": cache} if cache is not None else {})
        prepared = prepare(model, inputs, configuration(self._loaded.recommended, job.generation), job.generation)
        chooser = Chooser(prepared, job.generation.seed)
        tokens, arguments = prepared.tokens, prepared.arguments
        try:
            outputs = model._prefill(tokens, prepared.config, arguments)
            for written in range(1, job.generation.max_new_tokens + 1):
                arguments = model._update_model_kwargs_for_generation(outputs, arguments)
                token = chooser.choose(tokens, outputs.logits[:, -1].to(torch.float32, copy=True))
                tokens = torch.cat([tokens, token[None].to(tokens.device)], dim=-1)
                yield Token(id=int(token), cached=cached)
                if int(token) in self._loaded.ends or written == job.generation.max_new_tokens:
                    return
                step = model.prepare_inputs_for_generation(tokens, next_sequence_length=1, **arguments)
                outputs = model(**step, return_dict=True)
        finally:
            if not sees:
                self._kept.keep(tokens[0].tolist(), arguments.get("past_key_values"))


def _shared(one: list[int], other: list[int]) -> int:
    """How many tokens both begin with."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))
