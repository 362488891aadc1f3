"""Decides of every request whether it may be made, and whose it is: by its key, or without keys by where it is from."""

from datetime import UTC, datetime
from typing import Any

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.contract.errors import Unavailable
from gateway.access.caller import ANYONE, NOBODY, Caller
from gateway.access.client_secrets import ClientSecret, ClientSecrets
from gateway.access.keys import InvalidKey, Keyring, NotAllowed
from gateway.http.foreign_pages import ForeignPages
from gateway.http.handshake import refuse_handshake
from gateway.http.request_id import time_request

_CALLER = "speech_gateway_caller"
_SECRET = "speech_gateway_client_secret"

PROTOCOL_PREFIX = "openai-insecure-api-key."
"""Begins the sub-protocol in which a browser's WebSocket shows its key: it can set no headers."""


def caller_of(scope: Scope) -> Caller:
    """Whose this request is: ``ANYONE`` at a gateway without keys, ``NOBODY`` where none was asked for."""
    caller: Caller = scope.setdefault("state", {}).get(_CALLER, NOBODY)
    return caller


def client_secret_of(scope: Scope) -> ClientSecret | None:
    """The client secret that this request shows, if it shows one."""
    secret: ClientSecret | None = scope.setdefault("state", {}).get(_SECRET)
    return secret


class AccessControl(ASGIMiddleware):
    """Lets in who may use the handler that is asked, WebSockets included.

    A handler says so in its ``opt``: ``access`` is ``open`` for one that needs no key, ``admin`` for one that needs the
    operator's; ``surface`` is the name of its surface; ``client_secrets`` says that one of these will do, too.
    Preflight requests of browsers, which carry no key, pass.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)
    should_bypass_for_scope = staticmethod(lambda scope: scope["route_handler"].opt.get("access") == "open")

    def __init__(self, keyring: Keyring, foreign_pages: ForeignPages, secrets: ClientSecrets) -> None:
        self._keyring = keyring
        self._secrets = secrets
        self._foreign_pages = foreign_pages

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve the request; raises ``InvalidKey`` or ``NotAllowed``, which a WebSocket handshake is answered with."""
        time_request(scope)
        if scope["type"] == ScopeType.HTTP:
            if scope["method"] != "OPTIONS":
                await self._admit(scope)
        else:
            try:
                await self._admit(scope)
            except (InvalidKey, NotAllowed, Unavailable) as error:
                await refuse_handshake(error, scope, send)
                return
        await next_app(scope, receive, send)

    async def _admit(self, scope: Scope) -> None:
        """Note whose the request is. Raises ``InvalidKey``, ``NotAllowed``, and what ``ClientSecrets.find`` raises."""
        options: dict[str, Any] = scope["route_handler"].opt
        now, shown = datetime.now(UTC), _shown_key(scope)
        secret = await self._secrets.find(shown, now) if options.get("client_secrets") else None
        if self._keyring.empty:
            self._foreign_pages.check(scope)
            caller = ANYONE
        elif secret is not None:
            caller = self._keyring.named(secret.caller, now)
        else:
            caller = self._keyring.caller(shown, now)
        if options.get("access") == "admin" and not caller.admin:
            raise NotAllowed(f"The key {caller.name!r} is not the operator's (admin = true), which this needs.")
        surface = options.get("surface", "")
        if not caller.may_use(surface):
            raise NotAllowed(
                f"The key {caller.name!r} may not use {surface or 'this'}, only: {', '.join(caller.surfaces or ())}."
            )
        scope["state"][_CALLER] = caller
        scope["state"][_SECRET] = secret


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
