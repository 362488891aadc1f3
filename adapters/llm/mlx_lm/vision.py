"""Generates the answers of vision models with mlx-vlm; imported only in the thread that runs the model."""

from collections.abc import Callable, Generator
from typing import Any

import mlx.core as mx
import mlx_vlm
from mlx_vlm.generate import generate_step

from adapters.contract.errors import InvalidRequest
from adapters.llm.decoding.event_stream import Token
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.mlx_lm import sampling
from adapters.llm.mlx_lm.batched import PREFILL_TOKENS
from adapters.llm.mlx_lm.errors import ADAPTER
from adapters.llm.mlx_lm.request import GenerationRequest, PreparedPrompt, generation_request


class VisionGenerator:
    """Encodes a ``PreparedPrompt`` into a ``GenerationRequest``, and generates the answer to that.

    No prefixes are kept: tokens alone do not say what the images were.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded

    def clear(self) -> None:
        """Nothing to drop."""

    def generate(
        self, job: PreparedPrompt | GenerationRequest, check: Callable[[], None]
    ) -> Generator[Token | GenerationRequest, None, None]:
        """Encode a prompt, or generate one answer; an exception of ``check`` ends it.

        Raises ``InvalidRequest``, ``TooLong``.
        """
        if isinstance(job, PreparedPrompt):
            yield self._encode(job)
        else:
            yield from self._tokens(job, check)

    def _encode(self, prompt: PreparedPrompt) -> GenerationRequest:
        text = prompt.text + prompt.forced_start
        begin = self._loaded.tokenizer.bos_token
        try:
            inputs = mlx_vlm.prepare_inputs(
                self._loaded.processor,
                images=prompt.images or None,
                prompts=[text],
                image_token_index=getattr(self._loaded.model.config, "image_token_index", None),
                # As the processors of transformers do: some templates leave the first token to the tokenizer.
                add_special_tokens=begin is None or not text.startswith(begin),
            )
        except (ValueError, TypeError, IndexError) as error:  # for example a template that has no place for an image
            raise InvalidRequest(
                f"The model's processor refuses these messages ({type(error).__name__}): send fewer or other images.",
                adapter=ADAPTER,
                param="messages",
            ) from error
        return generation_request(prompt, inputs["input_ids"][0].tolist(), self._loaded.context_tokens, inputs)

    def _tokens(self, job: GenerationRequest, check: Callable[[], None]) -> Generator[Token, None, None]:
        inputs = dict(job.inputs)
        processors = sampling.processors(self._loaded, job, seen=len(job.tokens))
        steps: Any = generate_step(
            inputs.pop("input_ids"),
            self._loaded.model,
            inputs.pop("pixel_values", None),
            inputs.pop("attention_mask", None),
            max_tokens=job.settings.max_new_tokens,
            # Without one, mlx-vlm uses the temperature that the model's authors recommend.
            sampler=sampling.sampler(self._loaded, job) or _greedy,
            logits_processors=sampling.with_whole_prompt(processors, job.tokens),
            prefill_step_size=PREFILL_TOKENS,
            prompt_cache_checkpoint=lambda *_: check(),
            prompt_cache_checkpoint_lengths=[*range(PREFILL_TOKENS, len(job.tokens), PREFILL_TOKENS)],
            **inputs,
        )
        try:
            for token, logprobs in steps:
                sampling.check_finite(token, logprobs)
                yield Token(id=token, cached=0)
                if token in self._loaded.ends:
                    return
        finally:
            steps.close()


def _greedy(logprobs: Any) -> Any:
    return mx.argmax(logprobs, axis=-1)
