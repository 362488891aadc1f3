"""Loads models that see with mlx-vlm and writes their answers; imported only in the thread that is to work with it."""

from collections.abc import Callable, Generator
from typing import Any

import mlx.core as mx
import mlx_vlm
from mlx_vlm.generate import generate_step
from mlx_vlm.utils import get_model_path, load_config

from adapters.contract.errors import InvalidRequest
from adapters.llm.decoding.event_stream import Token
from adapters.llm.mlx_lm import sampling
from adapters.llm.mlx_lm.batched import PREFILL_TOKENS
from adapters.llm.mlx_lm.errors import ADAPTER
from adapters.llm.mlx_lm.loader import Loaded, context, recommended
from adapters.llm.mlx_lm.request import Asked, Question, asked


def load(name: str, *, trusted: bool) -> Loaded:
    """Load the model ``name`` with its processor. Raises what mlx-vlm raises."""
    folder = get_model_path(name)
    config = load_config(folder)
    if config.get("model_file") and not trusted:  # mlx-vlm would run that file without asking
        raise ValueError("trust_remote_code is off, and the model has code of its own")
    model, processor = mlx_vlm.load(str(folder), trust_remote_code=trusted)
    tokenizer = getattr(processor, "tokenizer", processor)
    tokenizer.chat_template = getattr(processor, "chat_template", None) or tokenizer.chat_template
    return Loaded(
        model=model,
        tokenizer=tokenizer,
        context=context(config),
        recommended=recommended(name),
        ends=tuple(sorted(tokenizer.stopping_criteria.eos_token_ids)),
        processor=processor,
    )


class SeeingWriter:
    """Writes with mlx-vlm: of a ``Question`` it makes the model's inputs, and to ``Asked`` it writes the answer.

    Nothing is kept of a conversation: tokens alone do not say what was seen.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded

    def forget(self) -> None:
        """Nothing is kept."""

    def answer(self, job: Question | Asked, check: Callable[[], None]) -> Generator[Token | Asked, None, None]:
        """Read a question, or write one answer, which what ``check`` raises ends.

        Raises ``InvalidRequest``, ``TooLong``.
        """
        if isinstance(job, Question):
            yield self._read(job)
        else:
            yield from self._tokens(job, check)

    def _read(self, question: Question) -> Asked:
        text = question.prompt + question.begun
        begin = self._loaded.tokenizer.bos_token
        try:
            inputs = mlx_vlm.prepare_inputs(
                self._loaded.processor,
                images=question.images or None,
                prompts=[text],
                image_token_index=getattr(self._loaded.model.config, "image_token_index", None),
                # As transformers' processors do it: some templates leave the first one to the tokenizer.
                add_special_tokens=begin is None or not text.startswith(begin),
            )
        except (ValueError, TypeError, IndexError) as error:  # a template without a place for an image, for one
            raise InvalidRequest(
                f"The model's processor refuses these messages ({type(error).__name__}): send fewer or other images.",
                adapter=ADAPTER,
                param="messages",
            ) from error
        return asked(question, inputs["input_ids"][0].tolist(), self._loaded.context, inputs)

    def _tokens(self, job: Asked, check: Callable[[], None]) -> Generator[Token, None, None]:
        inputs = dict(job.inputs)
        processors = sampling.processors(self._loaded, job, seen=len(job.tokens))
        steps: Any = generate_step(
            inputs.pop("input_ids"),
            self._loaded.model,
            inputs.pop("pixel_values", None),
            inputs.pop("attention_mask", None),
            max_tokens=job.generation.max_new_tokens,
            # Without one mlx-vlm takes the temperature that the model's makers recommend.
            sampler=sampling.sampler(self._loaded, job) or _likeliest,
            logits_processors=sampling.whole_prompt(processors, job.tokens),
            prefill_step_size=PREFILL_TOKENS,
            prompt_cache_checkpoint=lambda *_: check(),
            prompt_cache_checkpoint_lengths=[*range(PREFILL_TOKENS, len(job.tokens), PREFILL_TOKENS)],
            **inputs,
        )
        try:
            for token, _ in steps:
                yield Token(id=token, cached=0)
                if token in self._loaded.ends:
                    return
        finally:
            steps.close()


def _likeliest(logprobs: Any) -> Any:
    return mx.argmax(logprobs, axis=-1)
