"""``GET /v1/models``: the routes of this gateway, as OpenAI lists models."""

from typing import Literal

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from adapters.contract.errors import UnknownModel
from adapters.tts.openai_voices import OPENAI_VOICES
from gateway.engines import Gateway, ServedRoute
from gateway.http.openapi import ApiOperation


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


def _models(gateway: Gateway) -> list[Model]:
    return [
        Model(
            id=name,
            created=gateway.started,
            voices=list(dict.fromkeys([*OPENAI_VOICES, *served.engines.tts.info.voices])),
        )
        for served in gateway.routes
        for name in _names(served)
    ]


def _names(served: ServedRoute) -> list[str]:
    return [served.route.name, *(alias for alias in served.route.aliases if alias != "*")]


@get("/v1/models", operation_class=ApiOperation, operation_id="listModels", tags=["Models"], sync_to_thread=False)
def list_models(gateway: NamedDependency[Gateway]) -> ModelList:
    """List the models that requests can name."""
    return ModelList(data=_models(gateway))


@get(
    "/v1/models/{model:path}",
    operation_class=ApiOperation,
    operation_id="retrieveModel",
    tags=["Models"],
    sync_to_thread=False,
)
def retrieve_model(gateway: NamedDependency[Gateway], model: FromPath[str]) -> Model:
    """Describe one model; names with a slash are taken as they are."""
    name = model.lstrip("/")
    for known in _models(gateway):
        if known.id == name:
            return known
    raise UnknownModel(f"The model `{name}` does not exist or you do not have access to it.")
