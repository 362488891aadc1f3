"""Decides of every request whether it may be made, and whose it is: by its key, or without keys by where it is from."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.access.caller import ANYONE, NOBODY, Caller
from gateway.access.keys import InvalidKey, Keyring, NotAllowed
from gateway.http.errors import answer_of
from gateway.http.foreign_pages import ForeignPages
from gateway.http.request_id import request_id, time_request

_CALLER = "speech_gateway_caller"

PROTOCOL_PREFIX = "openai-insecure-api-key."
"""Begins the sub-protocol in which a browser's WebSocket shows its key: it can set no headers."""


def caller_of(scope: Scope) -> Caller:
    """Whose this request is: ``ANYONE`` at a gateway without keys, ``NOBODY`` where none was asked for."""
    caller: Caller = scope.setdefault("state", {}).get(_CALLER, NOBODY)
    return caller


class AccessControl(ASGIMiddleware):
    """Lets in who may use the handler that is asked, WebSockets included.

    A handler says so in its ``opt``: ``access`` is ``open`` for one that needs no key, ``admin`` for one that needs the
    operator's; ``surface`` is the name of its surface. Preflight requests of browsers, which carry no key, pass.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)
    should_bypass_for_scope = staticmethod(lambda scope: scope["route_handler"].opt.get("access") == "open")

    def __init__(self, keyring: Keyring, foreign_pages: ForeignPages) -> None:
        self._keyring = keyring
        self._foreign_pages = foreign_pages

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve the request; raises ``InvalidKey`` or ``NotAllowed``, which a WebSocket handshake is answered with."""
        time_request(scope)
        if scope["type"] == ScopeType.HTTP:
            if scope["method"] != "OPTIONS":
                self._admit(scope)
        else:
            try:
                self._admit(scope)
            except (InvalidKey, NotAllowed) as error:
                await _refuse_handshake(error, scope, send)
                return
        await next_app(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        """Note whose the request is. Raises ``InvalidKey``, ``NotAllowed``."""
        if self._keyring.empty:
            self._foreign_pages.check(scope)
            caller = ANYONE
        else:
            caller = self._keyring.caller(_shown_key(scope), datetime.now(UTC))
        options: dict[str, Any] = scope["route_handler"].opt
        if options.get("access") == "admin" and not caller.admin:
            raise NotAllowed(f"The key {caller.name!r} is not the operator's (admin = true), which this needs.")
        surface = options.get("surface", "")
        if not caller.may_use(surface):
            raise NotAllowed(
                f"The key {caller.name!r} may not use {surface or 'this'}, only: {', '.join(caller.surfaces or ())}."
            )
        scope["state"][_CALLER] = caller


def _shown_key(scope: Scope) -> str | None:
    """The key that the request shows, if it shows one."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, key = value.decode("latin-1").strip().partition(" ")
            return key.strip() if kind.lower() == "bearer" else None
    if scope["type"] == ScopeType.WEBSOCKET:
        for protocol in scope.get("subprotocols", ()):
            if protocol.startswith(PROTOCOL_PREFIX):
                return protocol.removeprefix(PROTOCOL_PREFIX)
    return None


async def _refuse_handshake(error: Exception, scope: Any, send: Send) -> None:
    """Answer a handshake with an HTTP error, where the server can, else with the status 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    answer = answer_of(error, {**scope, "method": "GET"})  # type: ignore[typeddict-item]
    headers = {"content-type": "application/json", "x-request-id": request_id(scope), **answer.headers}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    start: Any = {"type": "websocket.http.response.start", "status": answer.status, "headers": encoded}
    body: Any = {"type": "websocket.http.response.body", "body": msgspec.json.encode(answer.body), "more_body": False}
    await send(start)
    await send(body)
