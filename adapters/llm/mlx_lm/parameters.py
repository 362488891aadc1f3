"""The generation parameters of mlx-lm's sampler besides the documented ones; imports nothing heavy."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from adapters.options import BadOption

_ContextSize = Annotated[int, Meta(ge=1)]  # the number of the latest tokens to which a penalty applies


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments of ``mlx_lm.sample_utils.make_sampler`` and ``make_logits_processors`` under their names there.

    A penalty applies to the last 20 tokens unless its context size says otherwise, as in mlx-lm; ``logit_bias`` is by
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
"""What is taken from the generation configuration of a model's authors if it is not set."""


def parameters(values: Mapping[str, Any]) -> Parameters:
    """Those of ``values`` that mlx-lm knows, without ``None``. Raises ``msgspec.ValidationError``."""
    known = {name: value for name, value in values.items() if name in KNOWN and value is not None}
    return msgspec.convert(known, Parameters, str_keys=True)


def validate(llm_gen: Mapping[str, Any]) -> None:
    """Raise ``BadOption`` for a value that the sampler does not take."""
    for name in llm_gen:
        try:
            parameters({name: llm_gen[name]})
        except msgspec.ValidationError as error:
            reason = str(error).partition(" - at ")[0]
            raise BadOption(f"--llm_gen_{name} {llm_gen[name]!r} is not possible: {reason}.") from None
