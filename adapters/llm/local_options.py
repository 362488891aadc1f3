"""The options of the language models that run in this process."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class LocalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of every in-process backend; ``model_name`` is the gateway's own setting and names what to load."""

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
    """The options of ``mlx-lm``, which selects its device itself."""


class TransformersOptions(LocalOptions, frozen=True, kw_only=True):
    """The options of ``transformers``."""

    llm_device: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Where the model runs; when unset cuda if there, else mps, else cpu."),
    ] = None
    llm_torch_dtype: Annotated[
        Literal["float32", "float16", "bfloat16"] | None,
        Meta(description="Precision of the weights; when unset the best of the device."),
    ] = None
