"""Generates one answer at a time: for vision models, and for models and devices that cannot batch."""

from collections.abc import Iterator

import torch

from adapters.blocking import Ended
from adapters.contract.errors import AdapterError
from adapters.llm.decoding.event_stream import Token
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.transformers import memory
from adapters.llm.transformers.errors import generation_error
from adapters.llm.transformers.prefix_cache import PrefixCache
from adapters.llm.transformers.request import GenerationRequest
from adapters.llm.transformers.sampling import Sampler, configuration, prepare
from adapters.local.device_errors import is_device_lost


class SequentialBatch:
    """A batch without batching: its answers take turns; the gateway, by ``info.max_parallel``, sends one at a time.

    The prefixes of ``conversations`` conversations are kept.
    """

    def __init__(self, loaded: LoadedModel, *, conversations: int) -> None:
        self._loaded = loaded
        self._prefixes = PrefixCache(conversations)
        self._answers: dict[int, Iterator[Token]] = {}

    def add(self, key: int, job: GenerationRequest) -> None:
        """Add an answer; nothing is computed yet."""
        self._answers[key] = self._generate(job)

    def drop(self, key: int) -> None:
        """End an answer; what was computed for it is kept."""
        self._answers.pop(key).close()  # type: ignore[attr-defined]

    def step(self) -> Iterator[tuple[int, Token | Exception | Ended]]:
        """The next token of every answer. Raises when the device is lost."""
        for key, answer in list(self._answers.items()):
            try:
                token = next(answer, None)
            except Exception as error:
                if is_device_lost(error):
                    raise
                del self._answers[key]
                if not isinstance(error, AdapterError):
                    self._prefixes.clear()  # the latest may be complete in some layers only
                yield key, generation_error(error).with_traceback(None)
                memory.free()
                continue
            if token is None:
                del self._answers[key]
            yield key, Ended() if token is None else token

    def close(self) -> None:
        """Release the prefixes."""
        self._prefixes.clear()

    def _generate(self, job: GenerationRequest) -> Iterator[Token]:
        model, settings = self._loaded.model, job.settings
        cache = None if job.has_images else self._prefixes.take(job.tokens)
        cached = cache.get_seq_length() if cache is not None else 0
        inputs = job.inputs | ({"past_key_values": cache} if cache is not None else {})
        prepared = prepare(model, inputs, configuration(self._loaded.recommended, settings), settings)
        sampler = Sampler(prepared, settings.seed)
        tokens, arguments = prepared.tokens, prepared.arguments
        try:
            outputs = model._prefill(tokens, prepared.config, arguments)
            for count in range(1, settings.max_new_tokens + 1):
                arguments = model._update_model_kwargs_for_generation(outputs, arguments)
                token = sampler.sample(tokens, outputs.logits[:, -1].to(torch.float32, copy=True))
                tokens = torch.cat([tokens, token[None].to(tokens.device)], dim=-1)
                yield Token(id=int(token), cached=cached)
                if int(token) in self._loaded.ends or count == settings.max_new_tokens:
                    return
                step = model.prepare_inputs_for_generation(tokens, next_sequence_length=1, **arguments)
                outputs = model(**step, return_dict=True)
        finally:
            if not job.has_images:
                self._prefixes.store(tokens[0].tolist(), arguments.get("past_key_values"))
