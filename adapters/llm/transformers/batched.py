"""Generates many answers at once with the continuous batching of transformers: one token of each in every step."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers.generation.continuous_batching import RequestState

from adapters.blocking import Ended
from adapters.contract.errors import AdapterError
from adapters.llm.decoding.event_stream import Token
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.local_options import TransformersOptions
from adapters.llm.transformers import memory
from adapters.llm.transformers.errors import generation_error
from adapters.llm.transformers.logits_hook import ActiveAnswer, LogitsHook
from adapters.llm.transformers.paged_cache import PAGE_TOKENS, StepOutputs, batch_processor
from adapters.llm.transformers.request import GenerationRequest
from adapters.llm.transformers.sampling import Sampler, configuration, prepare
from adapters.local.device_errors import is_device_lost

_log = logging.getLogger(__name__)


_TOLERANCE = {True: 1e-3, False: 1e-2}
"""How far the scores may deviate in float32, and in precisions of 16 bits."""

_NOISES = 3
"""How many times as far as those of two correct kernels: in bfloat16, these may deviate by several percent."""


class Inexact(Exception):
    """With continuous batching, the answers would not be those of the model; the message completes a sentence."""


class ContinuousBatch:
    """The batch. It has one paged cache, in which a prefix that conversations share is kept once.

    The library's manager runs a thread of its own, in which one error ends everything and which does not report when a
    cancelled request has been removed. So only its parts are used, in our thread; and tokens are sampled by our
    ``Sampler``, with any processor that ``generate`` makes, and with a seed for each answer.
    """

    def __init__(self, loaded: LoadedModel, options: TransformersOptions) -> None:
        """Raises what the library raises for a model that it cannot batch."""
        self._loaded = loaded
        self._new: dict[int, GenerationRequest] = {}
        self._answers: dict[str, ActiveAnswer] = {}
        self._outputs = StepOutputs()
        self._hook = LogitsHook(self._answers)
        self._processor = batch_processor(loaded, options, self._hook, self._outputs)

    @property
    def context_tokens(self) -> int:
        """The tokens that one conversation can have."""
        return int(self._processor.cache.num_blocks) * PAGE_TOKENS

    def add(self, key: int, job: GenerationRequest) -> None:
        """Add an answer; nothing is computed yet."""
        self._new[key] = job

    def _prepare(self) -> Iterator[tuple[int, AdapterError]]:
        """Enqueue the new answers; yields why some of them cannot be."""
        new, self._new = self._new, {}
        for key, job in new.items():
            try:
                config = configuration(self._loaded.recommended, job.settings)
                prepared = prepare(self._loaded.model, job.inputs, config, job.settings)
                self._answers[str(key)] = ActiveAnswer(job, Sampler(prepared, job.settings.seed))
            except Exception as error:
                if is_device_lost(error):
                    raise
                yield key, generation_error(error).with_traceback(None)
            else:
                self._enqueue(str(key), job.tokens, job.settings.max_new_tokens, self._loaded.ends)

    def _enqueue(self, name: str, tokens: list[int], max_tokens: int, ends: Sequence[int]) -> None:
        state = RequestState(
            request_id=name, initial_tokens=tokens, max_new_tokens=max_tokens, eos_token_id=list(ends), streaming=True
        )
        self._processor.scheduler.add_waiting_request(state)

    def drop(self, key: int) -> None:
        """End an answer and free its pages."""
        if self._new.pop(key, None) is not None:
            return
        self._answers.pop(str(key), None)
        scheduler = self._processor.scheduler
        scheduler.set_request_cancellation(str(key))
        scheduler.clear_cancelled_requests()
        scheduler.block_new_requests = False  # as after an answer that has ended: there is room again

    def step(self) -> Iterator[tuple[int, Token | Exception | Ended]]:
        """The next token of every answer, or more of the waiting prompts. Raises when the device is lost."""
        yield from self._prepare()
        if not self._answers:
            return
        try:
            self._advance()
        except Exception as error:
            if is_device_lost(error):
                raise
            yield from self._reset(error)
            return
        for output in self._outputs.take():
            name = output.request_id
            answer = self._answers[name]
            if answer.failure is not None:
                self.drop(int(name))
                self._processor.cache.evict_cached_blocks()  # what it has computed may be the reason
                yield int(name), generation_error(answer.failure).with_traceback(None)
                continue
            for token in output.generated_tokens[answer.passed_on :]:
                yield int(name), Token(id=token, cached=answer.cached_tokens)
            answer.passed_on = len(output.generated_tokens)
            if output.is_finished():
                del self._answers[name]
                yield int(name), Ended()

    def _advance(self) -> None:
        if not self._processor.prepare_next_batch():
            raise RuntimeError("continuous batching has no work although there are answers")
        self._processor._generation_step(self._loaded.model)
        self._processor.update_batch()

    def _reset(self, error: Exception) -> Iterator[tuple[int, AdapterError]]:
        """End all answers, since the error may belong to any of them, and restart with an empty cache."""
        _log.error("transformers: a step failed (%s); its %d answers end.", type(error).__name__, len(self._answers))
        names = list(self._answers)
        self._answers.clear()
        self._outputs.take()
        error = generation_error(error).with_traceback(None)
        self._processor.reset()
        memory.free()
        for name in names:
            yield int(name), error

    def close(self) -> None:
        """Release the cache."""
        del self._processor

    def check(self, attention: str) -> None:
        """Raise ``Inexact`` unless the batched model gives the scores that it gives with its own ``attention``.

        Computes a prompt of more than a page and 3 tokens. Also raises what the library raises for a model that it
        cannot batch.
        """
        model, count = self._loaded.model, 3
        vocabulary = model.get_input_embeddings().weight.shape[0]
        tokens = [number * 17 % vocabulary for number in range(PAGE_TOKENS + 8)]
        recorded: list[Any] = []
        self._hook.recorded = recorded
        self._enqueue("check", tokens, count, ())
        for _ in range(count):
            self._advance()
        self._hook.recorded = None
        (generated,) = [output.generated_tokens for output in self._outputs.take() if output.is_finished()]
        whole = torch.tensor([[*tokens, *generated[:-1]]], device=model.device)
        paged = model.config._attn_implementation
        plain = _scores(model, attention, whole)[len(tokens) - 1 :]
        noise = _noise(model, attention, whole, plain)
        set_attention(model, paged)
        difference = _deviation(torch.cat(recorded), plain)
        if not difference <= max(_TOLERANCE[model.dtype == torch.float32], _NOISES * noise):
            raise Inexact(
                f"with continuous batching its scores deviate by {difference:.2%}, with another kernel by {noise:.2%}"
            )


def _scores(model: Any, attention: str, tokens: Any) -> Any:
    """The scores after each of the ``tokens`` (1 x tokens): tokens x vocabulary."""
    set_attention(model, attention)
    return model(input_ids=tokens, use_cache=False).logits[0].float()


def _noise(model: Any, attention: str, tokens: Any, plain: Any) -> float:
    """How far two correct kernels deviate: the scores with ``attention`` are ``plain`` at the end of ``tokens``.

    0 for a model that has no other.
    """
    try:
        other = _scores(model, "sdpa" if attention == "eager" else "eager", tokens)
    except (ImportError, ValueError):  # the model has no other
        return 0.0
    return _deviation(other[-len(plain) :], plain)


def _deviation(scores: Any, plain: Any) -> float:
    """The root of the mean square of the differences, relative to that of ``plain``."""
    return float((scores - plain).square().mean().sqrt() / plain.square().mean().sqrt())


def set_attention(model: Any, attention: str) -> None:
    """Set the attention of ``model``: continuous batching replaces it by a paged one, which serves nothing else."""
    if model.config._attn_implementation != attention:
        model.set_attn_implementation(attention)
