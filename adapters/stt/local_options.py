"""The options of the recognisers that run a model in this process."""

from typing import Annotated

import msgspec
from msgspec import Meta

SttModel = Annotated[
    Annotated[str, Meta(min_length=1)] | None,
    Meta(
        description="Recognition model: a hub id, a folder, or its name on the server; when unset the engine's default."
    ),
]
"""The option ``stt_model``, which all engines that have a choice of models declare."""


class LocalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of every recogniser in this process that has a choice of models."""

    stt_model: SttModel = None
    stt_device: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Device of the model; when unset cuda if available, else mps, else cpu."),
    ] = None
    stt_max_parallel: Annotated[int, Meta(ge=1, le=256, description="Recordings recognised in one batch.")] = 8
