"""The models routes: what requests can name as ``model``."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from adapters.contract.errors import UnknownModel
from gateway.api.models.schema import Model, ModelList
from gateway.api.models.translate import models_of
from gateway.engines.lifecycle import Gateway
from gateway.http.openapi import ApiOperation


@get("/v1/models", operation_class=ApiOperation, operation_id="listModels", tags=["Models"], sync_to_thread=False)
def list_models(gateway: NamedDependency[Gateway]) -> ModelList:
    """List the models that requests can name."""
    return ModelList(data=models_of(gateway))


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
    for known in models_of(gateway):
        if known.id == name:
            return known
    raise UnknownModel(f"The model `{name}` does not exist or you do not have access to it.")
