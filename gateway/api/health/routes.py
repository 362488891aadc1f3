"""Whether the process lives, and whether it can answer."""

from http import HTTPStatus
from importlib.metadata import version

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from gateway.api.health.schema import Health, Queue, Readiness
from gateway.engines.lifecycle import Gateway
from gateway.http.openapi import ApiOperation
from gateway.siblings import Siblings

MISSING = "missing"
"""The state of a worker that is being replaced."""

VERSION = version("speech-gateway")
"""Read once: a process that can open no more files must still say that it lives."""


@get(
    "/health",
    opt={"access": "open"},
    operation_class=ApiOperation,
    operation_id="health",
    tags=["Operations"],
    sync_to_thread=False,
)
def health() -> Health:
    """Say that the process is alive; engines may still be loading."""
    return Health(status="ok", version=VERSION)


@get(
    "/ready",
    opt={"access": "open"},
    responses={503: ResponseSpec(Readiness, description="A route is still loading, or none can answer.")},
    operation_class=ApiOperation,
    operation_id="ready",
    tags=["Operations"],
)
async def ready(gateway: NamedDependency[Gateway], siblings: NamedDependency[Siblings]) -> Response[Readiness]:
    """Say whether requests can be answered: 200 when a route can and none is still loading, 503 otherwise.

    Of several workers, 200 when all of them can.
    """
    others = await siblings.ask("state")
    states = [gateway.state, *(MISSING if told is None else told.decode() for told in others)]
    state = next((each for each in states if each != "ready"), "ready")
    status = HTTPStatus.OK if state == "ready" else HTTPStatus.SERVICE_UNAVAILABLE
    models: dict[str, str] = {served.name: served.state() for served in gateway.routes}
    queues = [
        Queue(stage=stage, **msgspec.structs.asdict(state))
        for stage, states in gateway.queues.items()
        for state in states
    ]
    return Response(Readiness(status=state, models=models, queues=queues, workers=states), status_code=status)
