"""The settings of the language models that run in this process."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class LocalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What every in-process backend takes; ``model_name`` is the gateway's own setting, read here to be loaded."""

    model_name: Annotated[
        str | None, Meta(description="Hub id or path of the model, or its name for an API; when unset the backend's.")
    ] = None
    llm_gen: Annotated[
        dict[str, Any],
        Meta(
            description="Generation parameters: max_new_tokens (1024), min_new_tokens (0), temperature (0.0), "
            "do_sample (false) or any other that the backend knows; the value is a JSON literal."
        ),
    ] = {}
    llm_is_vlm: Annotated[bool, Meta(description="The model takes images too (vision-language model).")] = False
    llm_trust_remote_code: Annotated[bool, Meta(description="Run code that comes with the model.")] = False
    llm_max_parallel: Annotated[int, Meta(ge=1, description="Answers written at once by one local model.")] = 8
    llm_prefix_cache: Annotated[
        int,
        Meta(
            ge=0,
            description="Conversations whose beginning is kept computed, so that the next turn need not read it again; "
            "0 keeps none.",
        ),
    ] = 8


class MlxOptions(LocalOptions, frozen=True, kw_only=True):
    """What ``mlx-lm`` takes; it manages its own devices."""


class TransformersOptions(LocalOptions, frozen=True, kw_only=True):
    """What ``transformers`` takes."""

    llm_device: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Where the model runs; when unset cuda if there, else mps, else cpu."),
    ] = None
    llm_torch_dtype: Annotated[
        Literal["float32", "float16", "bfloat16"] | None,
        Meta(description="Precision of the weights; when unset the best of the device."),
    ] = None
