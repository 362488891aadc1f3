"""The generation parameters that mlx-lm's sampler knows, beside the documented ones; nothing heavy is imported."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from adapters.options import BadOption

_ContextSize = Annotated[int, Meta(ge=1)]  # how many of the latest tokens a penalty looks at


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments of ``mlx_lm.sample_utils.make_sampler`` and ``make_logits_processors`` under their names there.

    A penalty looks at the last 20 tokens unless its context size says otherwise, as in mlx-lm; ``logit_bias`` is by
    token id.
    """

    top_p: Annotated[float, Meta(ge=0, le=1)] = 1.0
    top_k: Annotated[int, Meta(ge=0)] = 0
    min_p: Annotated[float, Meta(ge=0, le=1)] = 0.0
    min_tokens_to_keep: Annotated[int, Meta(ge=1)] = 1
    xtc_probability: Annotated[float, Meta(ge=0, le=1)] = 0.0
    xtc_threshold: Annotated[float, Meta(ge=0, le=0.5)] = 0.1
    repetition_penalty: Annotated[float, Meta(gt=0)] = 1.0
    repetition_context_size: _ContextSize = 20
    presence_penalty: float = 0.0
    presence_context_size: _ContextSize = 20
    frequency_penalty: float = 0.0
    frequency_context_size: _ContextSize = 20
    logit_bias: dict[Annotated[int, Meta(ge=0)], float] = {}


KNOWN = frozenset(Parameters.__struct_fields__)
RECOMMENDED = ("top_p", "top_k", "min_p", "repetition_penalty")
"""What is taken from the generation configuration of a model's makers where it is not set."""


def parameters(values: Mapping[str, Any]) -> Parameters:
    """Those of ``values`` that mlx-lm knows; ``None`` is what is not set. Raises ``msgspec.ValidationError``."""
    known = {name: value for name, value in values.items() if name in KNOWN and value is not None}
    return msgspec.convert(known, Parameters, str_keys=True)


def check(llm_gen: Mapping[str, Any]) -> None:
    """Raise ``BadOption`` for a value that the sampler does not take."""
    for name in llm_gen:
        try:
            parameters({name: llm_gen[name]})
        except msgspec.ValidationError as error:
            why = str(error).partition(" - at ")[0]
            raise BadOption(f"--llm_gen_{name} {llm_gen[name]!r} is not possible: {why}.") from None
