"""Names the request that a task works for: for the log, for metrics and traces, and for other servers."""

import re

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from adapters.contract.request_context import RequestContext, current_request
from gateway.http.request_id import header, request_id
from gateway.telemetry.metrics import Metrics

NO_SURFACE = "none"
"""Where a request came to that no surface answers."""

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]{0,64})?"
)
_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}")


class RequestNaming(ASGIMiddleware):
    """Sets the context of each request, which ends with the task that serves it, and counts the answers."""

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve the request in its context."""
        traceparent = header(scope, b"traceparent", _TRACEPARENT)
        context = RequestContext(
            request_id=request_id(scope),
            surface=_surface(scope),
            traceparent=traceparent,
            tracestate=header(scope, b"tracestate", _TRACESTATE) if traceparent else None,
        )
        current_request.set(context)
        await next_app(scope, receive, send)

    async def count_answer(self, message: Message, scope: Scope) -> None:
        """Count an answer by its surface and status; a ``before_send`` hook, which also sees refusals."""
        if message["type"] == "http.response.start":
            self._metrics.count_answer(_surface(scope), message["status"])


def _surface(scope: Scope) -> str:
    """The name of the surface whose handler answers."""
    if "route_handler" not in scope:
        return NO_SURFACE
    return str(scope["route_handler"].opt.get("surface", NO_SURFACE))
