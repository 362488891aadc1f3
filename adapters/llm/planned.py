"""Options of the in-process backends that are documented but not here yet; delete this file when they come."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class MlxOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What ``mlx-lm`` will take; it manages its own devices."""

    llm_gen: Annotated[
        dict[str, Any],
        Meta(
            description="Generation parameters: max_new_tokens (1024), min_new_tokens (0), temperature (0.0), "
            "do_sample (false) or any other that generate() knows; the value is a JSON literal. Not in this release."
        ),
    ] = {}


class LocalOptions(MlxOptions, frozen=True, kw_only=True):
    """What ``transformers`` will take."""

    llm_device: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Where the model runs; when unset cuda if there, else mps, else cpu. Not in this release."),
    ] = None
    llm_torch_dtype: Annotated[
        Literal["float32", "float16", "bfloat16"] | None,
        Meta(description="Precision of the weights; when unset the best of the device. Not in this release."),
    ] = None
    llm_is_vlm: Annotated[
        bool, Meta(description="The model takes images too (vision-language model). Not in this release.")
    ] = False


PLANNED: dict[str, type[msgspec.Struct]] = {"mlx-lm": MlxOptions, "transformers": LocalOptions}
