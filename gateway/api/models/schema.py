"""Wire types of the models surface."""

from typing import Literal

import msgspec


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model; ``voices`` is ours: the names that ``voice`` takes."""

    id: str
    created: int
    object: Literal["model"] = "model"
    owned_by: str = "speech-gateway"
    voices: list[str] = []


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """All models; there is always just this page."""

    data: list[Model]
    object: Literal["list"] = "list"
