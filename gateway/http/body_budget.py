"""Bounds the bytes of all request bodies and long messages in memory at once; what is past it is told to come back."""

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, ReceiveMessage, Scope, Send

from adapters.contract.errors import Unavailable
from gateway.engines.queue import RETRY_SECONDS
from gateway.http.socket_messages import messages_of


class BodyBudget(ASGIMiddleware):
    """Counts what requests have received, each until its last byte is sent: a turn keeps its recording that long.

    The messages of WebSockets count while they arrive.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    def __init__(self, megabytes: int) -> None:
        self._megabytes = megabytes
        self._all = self._free = megabytes * 1024 * 1024

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve the request or raise ``Unavailable``: at once when it says how long it is, else when it is too long."""
        if scope["type"] == ScopeType.WEBSOCKET:
            messages_of(scope).draw_on(self.take)
            await next_app(scope, receive, send)
            return
        taken = 0

        async def counted() -> ReceiveMessage:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                self.take(len(message["body"]))
                taken += len(message["body"])
            return message

        declared = next((value for name, value in scope["headers"] if name.lower() == b"content-length"), b"")
        if declared.isdigit() and int(declared) <= self._all:  # a longer one is refused for its length
            self._check(int(declared))
        try:
            await next_app(scope, counted, send)
        finally:
            self.take(-taken)

    def take(self, size: int) -> None:
        """Take ``size`` bytes, or give them back when negative. Raises ``Unavailable`` when they are not left."""
        self._check(size)
        self._free -= size

    def _check(self, size: int) -> None:
        if size > self._free:
            raise Unavailable(
                f"The bodies of all requests at once are larger than {self._megabytes} megabytes; try again shortly.",
                retry_after=RETRY_SECONDS,
            )
