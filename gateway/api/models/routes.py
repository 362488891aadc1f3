"""The models routes: what requests can name as ``model``."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from adapters.contract.errors import UnknownModel
from gateway.api.models.schema import Model, ModelList
from gateway.api.models.translate import models_of
from gateway.engines.lifecycle import Gateway
from gateway.http.auth import caller_of
from gateway.http.json_answer import json_answer
from gateway.http.openapi import ApiOperation


@get("/v1/models", operation_class=ApiOperation, operation_id="listModels", tags=["Models"], sync_to_thread=False)
def list_models(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[ModelList]:
    """List the models that requests can name."""
    return json_answer(ModelList(data=models_of(gateway, caller_of(request.scope))))


@get(
    "/v1/models/{model:path}",
    operation_class=ApiOperation,
    operation_id="retrieveModel",
    tags=["Models"],
    sync_to_thread=False,
)
def retrieve_model(
    request: Request[Any, Any, Any], gateway: NamedDependency[Gateway], model: FromPath[str]
) -> Response[Model]:
    """Describe one model; names with a slash are taken as they are."""
    name = model.lstrip("/")
    for known in models_of(gateway, caller_of(request.scope)):
        if known.id == name:
            return json_answer(known)
    raise UnknownModel(f"The model `{name}` does not exist or you do not have access to it.")
