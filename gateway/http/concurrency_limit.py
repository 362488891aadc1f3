"""Limits how many requests are served at once; further ones are refused before their body is read."""

from collections.abc import Callable

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.contract.errors import Unavailable
from gateway.engines.admission import Admission
from gateway.engines.queue import RETRY_SECONDS
from gateway.http.request_id import time_request


class ConcurrencyLimit(ASGIMiddleware):
    """Counts the requests of handlers that say ``opt={"limited": True}``, until their last byte is sent.

    Each has an ``Admission`` to the queues of the engines.
    """

    scopes = (ScopeType.HTTP,)
    should_bypass_for_scope = staticmethod(lambda scope: not scope["route_handler"].opt.get("limited"))

    def __init__(self, most: int, stopping: Callable[[], bool]) -> None:
        self._most = most
        self._stopping = stopping
        self._served = 0

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve the request or raise ``Unavailable``."""
        time_request(scope)
        if self._stopping():
            raise Unavailable("The gateway is shutting down; try again shortly.", retry_after=RETRY_SECONDS)
        if self._served >= self._most:
            raise Unavailable(
                f"The gateway serves {self._most} requests already; try again shortly.", retry_after=RETRY_SECONDS
            )
        self._served += 1
        try:
            with Admission():
                await next_app(scope, receive, send)
        finally:
            self._served -= 1
