"""The metrics in the text format of Prometheus or OpenMetrics, as the client accepts it."""

from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.di import NamedDependency
from prometheus_client import exposition

from gateway.http.openapi import ApiOperation
from gateway.telemetry.sight import Sight


@get(
    "/metrics",
    media_type=MediaType.TEXT,
    opt={"access": "admin"},
    operation_class=ApiOperation,
    operation_id="metrics",
    tags=["Operations"],
)
async def metrics(request: Request[Any, Any, Any], sight: NamedDependency[Sight]) -> Response[bytes]:
    """What the gateway has done since its start, and does now, in the format of Prometheus."""
    encode, content_type = exposition.choose_encoder(request.headers.get("accept", ""))
    return Response(encode(await sight.seen()), media_type=content_type)
