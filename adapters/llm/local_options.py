"""The options of the language models that run in this process."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from adapters.remote_media import FROM_PUBLIC, RemoteMediaHosts

DEFAULT_MODEL = "Qwen/Qwen3-4B-Instruct-2507"
"""The model when none is named."""


class GenerationParameters(msgspec.Struct, frozen=True, kw_only=True):
    """The documented entries of ``llm_gen``, which both local engines support."""

    max_new_tokens: Annotated[int, Meta(ge=1, description="The most tokens of one answer of a local model.")] = 1024
    min_new_tokens: Annotated[int, Meta(ge=0, description="The fewest tokens of one answer.")] = 0
    temperature: Annotated[
        float, Meta(ge=0, description="Temperature of the sampling; 0 chooses the most likely token.")
    ] = 0.0
    do_sample: Annotated[bool, Meta(description="Draw tokens at random, at temperature 1 unless that is set.")] = False


class LocalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of every in-process backend; ``model_name`` is the gateway's own setting and names what to load."""

    model_name: Annotated[
        str | None, Meta(description="Hub id or path of the model, or its name for an API; when unset the backend's.")
    ] = None
    llm_gen: Annotated[
        dict[str, Any],
        Meta(
            description="Any other generation parameter that the backend knows; the value is a JSON literal.",
            extra={"entries": GenerationParameters},
        ),
    ] = {}
    llm_is_vlm: Annotated[bool, Meta(description="The model takes images too (vision-language model).")] = False
    llm_trust_remote_code: Annotated[bool, Meta(description="Run custom code that comes with the model.")] = False
    llm_max_parallel: Annotated[int, Meta(ge=1, description="Answers that one local model generates at once.")] = 8
    llm_prefix_cache: Annotated[
        int,
        Meta(
            ge=0,
            description="Conversations whose computed beginning is kept for the next turn; 0 keeps none.",
        ),
    ] = 8
    remote_media: RemoteMediaHosts = FROM_PUBLIC


class MlxOptions(LocalOptions, frozen=True, kw_only=True):
    """The options of ``mlx-lm``, which selects its device itself."""


class TransformersOptions(LocalOptions, frozen=True, kw_only=True):
    """The options of ``transformers``."""

    llm_device: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Device of the model; when unset cuda if available, else mps, else cpu."),
    ] = None
    llm_torch_dtype: Annotated[
        Literal["float32", "float16", "bfloat16"] | None,
        Meta(description="Precision of the weights; when unset the best that the device supports."),
    ] = None
