"""Samples the next token of one answer with the generation parameters and logits processors of transformers."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList

from adapters.contract.errors import InvalidRequest
from adapters.llm.local_errors import NonFiniteScores
from adapters.llm.prompting.generation_settings import GenerationSettings
from adapters.llm.transformers.errors import ADAPTER
from adapters.llm.transformers.parameters import PENALTIES, SUPPORTED

_ONLY_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff")


def configuration(recommended: GenerationConfig, settings: GenerationSettings) -> GenerationConfig:
    """The configuration of one answer: ``recommended`` by the model's authors, overridden by ``settings``."""
    config = copy.deepcopy(recommended)
    values = {name: value for name, value in settings.others.items() if name in SUPPORTED}
    values |= {"max_new_tokens": settings.max_new_tokens, "min_new_tokens": settings.min_new_tokens or None}
    values |= {"max_length": None, "do_sample": settings.do_sample, "num_beams": None, "num_return_sequences": None}
    # Without sampling they have no effect, and transformers warns about them.
    values |= {"temperature": settings.temperature} if settings.do_sample else dict.fromkeys(_ONLY_SAMPLING)
    for name, value in values.items():
        setattr(config, name, value)
    return config


@dataclass(frozen=True, kw_only=True)
class PreparedGeneration:
    """What ``generate`` makes of its arguments before it generates the first token."""

    tokens: Any
    """The prompt, a tensor of 1 x tokens."""

    processors: LogitsProcessorList
    arguments: dict[str, Any]
    """The arguments of the model's forward pass besides the tokens; the cache is ``past_key_values``."""

    config: GenerationConfig


def prepare(
    model: Any, inputs: Mapping[str, Any], config: GenerationConfig, settings: GenerationSettings
) -> PreparedGeneration:
    """Let ``generate`` prepare an answer to ``inputs``, and take over from there (its ``custom_generate``).

    Tensors among the inputs are moved to the model's device.

    Raises ``InvalidRequest`` when it refuses the parameters.
    """

    def take_over(
        _model: Any, input_ids: Any, *, logits_processor: Any, generation_config: Any, **arguments: Any
    ) -> PreparedGeneration:
        del arguments["stopping_criteria"]  # the batch itself decides where an answer ends
        return PreparedGeneration(
            tokens=input_ids, processors=logits_processor, arguments=arguments, config=generation_config
        )

    penalties = [Penalties(settings.others, inputs["input_ids"].shape[1])] if PENALTIES & {*settings.others} else []
    try:
        prepared: PreparedGeneration = model.generate(
            **{name: value.to(model.device) if torch.is_tensor(value) else value for name, value in inputs.items()},
            generation_config=config,
            logits_processor=LogitsProcessorList(penalties),
            custom_generate=take_over,
        )
    except (ValueError, TypeError) as error:  # about the values: the prompt has not been read yet
        first = str(error).strip().partition("\n")[0][:200]
        raise InvalidRequest(f"transformers refuses the generation parameters: {first}", adapter=ADAPTER) from error
    return prepared


class Penalties:
    """OpenAI's ``frequency_penalty`` and ``presence_penalty``, which count the tokens of the answer only."""

    def __init__(self, parameters: Mapping[str, Any], prompt_tokens: int) -> None:
        self._frequency = float(parameters.get("frequency_penalty") or 0.0)
        self._presence = float(parameters.get("presence_penalty") or 0.0)
        self._prompt_tokens = prompt_tokens

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """``scores`` (1 x vocabulary), lower for every token that occurs after the prompt."""
        tokens, counts = input_ids[0, self._prompt_tokens :].unique(return_counts=True)
        scores = scores.clone()
        scores[0, tokens] -= counts * self._frequency + self._presence
        return scores


class Sampler:
    """Samples the tokens of one answer."""

    def __init__(self, prepared: PreparedGeneration, seed: int | None) -> None:
        self._processors = prepared.processors
        self._samples = bool(prepared.config.do_sample)
        self._generator: torch.Generator | None = None
        if seed is not None:
            self._generator = torch.Generator(prepared.tokens.device).manual_seed(seed)

    @property
    def is_greedy(self) -> bool:
        """Whether the model's scores alone decide."""
        return not self._samples and not self._processors

    def sample(self, tokens: Any, scores: Any) -> Any:
        """The next token, a tensor of one number.

        ``tokens`` (1 x tokens) are the prompt and the answer so far, ``scores`` (1 x vocabulary, float32) the model's.
        Raises ``NonFiniteScores``: on a GPU, drawing by such scores would end all work in this process.
        """
        scores = self._processors(tokens, scores)
        if not all(are_finite(scores)):
            raise NonFiniteScores
        if not self._samples:
            return scores[0].argmax(keepdim=True)
        return torch.multinomial(scores[0].softmax(-1), 1, generator=self._generator)


def are_finite(scores: Any) -> list[bool]:
    """For each row of ``scores`` whether a token can be chosen by it: the highest must be finite, and none is NaN."""
    rows: list[bool] = scores.amax(-1).isfinite().tolist()
    return rows
