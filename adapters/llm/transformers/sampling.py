"""Chooses the next token of one answer with the generation parameters and processors of transformers."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList

from adapters.contract.errors import InvalidRequest
from adapters.llm.prompting.generation_settings import Generation
from adapters.llm.transformers.errors import ADAPTER
from adapters.llm.transformers.parameters import HONOURED, PENALTIES

_ONLY_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff")


def configuration(recommended: GenerationConfig, asked: Generation) -> GenerationConfig:
    """The configuration of one answer: ``recommended`` by the model's makers, changed by what is ``asked``."""
    config = copy.deepcopy(recommended)
    chosen = {name: value for name, value in asked.others.items() if name in HONOURED}
    chosen |= {"max_new_tokens": asked.max_new_tokens, "min_new_tokens": asked.min_new_tokens or None}
    chosen |= {"max_length": None, "do_sample": asked.do_sample, "num_beams": None, "num_return_sequences": None}
    # Without sampling they mean nothing, and transformers warns of them.
    chosen |= {"temperature": asked.temperature} if asked.do_sample else dict.fromkeys(_ONLY_SAMPLING)
    for name, value in chosen.items():
        setattr(config, name, value)
    return config


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What ``generate`` makes of its arguments before it writes the first token."""

    tokens: Any
    """The prompt, a tensor of 1 x tokens."""

    processors: LogitsProcessorList
    arguments: dict[str, Any]
    """What the model's forward pass takes beside the tokens; the cache is ``past_key_values``."""

    config: GenerationConfig


def prepare(model: Any, inputs: Mapping[str, Any], config: GenerationConfig, asked: Generation) -> Prepared:
    """Have ``generate`` prepare an answer to ``inputs``, and take over from there (its ``custom_generate``).

    Raises ``InvalidRequest`` when it refuses the parameters.
    """

    def take_over(
        _model: Any, input_ids: Any, *, logits_processor: Any, generation_config: Any, **arguments: Any
    ) -> Prepared:
        del arguments["stopping_criteria"]  # where an answer ends is seen to here
        return Prepared(tokens=input_ids, processors=logits_processor, arguments=arguments, config=generation_config)

    penalties = [Penalties(asked.others, inputs["input_ids"].shape[1])] if PENALTIES & {*asked.others} else []
    try:
        prepared: Prepared = model.generate(
            **inputs,
            generation_config=config,
            logits_processor=LogitsProcessorList(penalties),
            custom_generate=take_over,
        )
    except (ValueError, TypeError) as error:  # of the values: what the prompt says is not looked at yet
        first = str(error).strip().partition("\n")[0][:200]
        raise InvalidRequest(f"transformers refuses the generation parameters: {first}", adapter=ADAPTER) from error
    return prepared


class Penalties:
    """OpenAI's ``frequency_penalty`` and ``presence_penalty``: they count what the answer said, not the prompt."""

    def __init__(self, parameters: Mapping[str, Any], prompt_tokens: int) -> None:
        self._frequency = float(parameters.get("frequency_penalty") or 0.0)
        self._presence = float(parameters.get("presence_penalty") or 0.0)
        self._prompt_tokens = prompt_tokens

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """``scores`` (1 x vocabulary), lower for every token that was said after the prompt."""
        said, times = input_ids[0, self._prompt_tokens :].unique(return_counts=True)
        scores = scores.clone()
        scores[0, said] -= times * self._frequency + self._presence
        return scores


class Chooser:
    """Chooses the tokens of one answer."""

    def __init__(self, prepared: Prepared, seed: int | None) -> None:
        self._processors = prepared.processors
        self._samples = bool(prepared.config.do_sample)
        self._generator: torch.Generator | None = None
        if seed is not None:
            self._generator = torch.Generator(prepared.tokens.device).manual_seed(seed)

    @property
    def takes_the_likeliest(self) -> bool:
        """Whether nothing but the scores decides."""
        return not self._samples and not self._processors

    def choose(self, tokens: Any, scores: Any) -> Any:
        """The next token, a tensor of one number.

        ``tokens`` (1 x tokens) are the prompt and what was said, ``scores`` (1 x vocabulary, float32) the model's.
        """
        scores = self._processors(tokens, scores)
        if not self._samples:
            return scores[0].argmax(keepdim=True)
        return torch.multinomial(scores[0].softmax(-1), 1, generator=self._generator)
