"""CORS: which web pages on other sites may call this gateway from a browser, and which headers they may read."""

import re
from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Request
from litestar.config.cors import CORSConfig
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.contract.errors import InvalidRequest
from adapters.options import BadOption
from gateway.http.errors import answer_error
from gateway.http.headers import HEADERS

EXPOSED = (
    *(header.name for header in HEADERS),
    "allow",
    "content-disposition",
    "location",
    "retry-after",
    "retry-after-ms",
    "www-authenticate",
    "x-should-retry",
    *(f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")),
)
"""Headers of an answer that a page may read."""

_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/?#\s@]+")


def cors_config(origins: Sequence[str]) -> CORSConfig | None:
    """Litestar's configuration, ``None`` without any origin. Raises ``BadOption`` for what no browser calls an origin.

    Any request header is allowed: a page that may send a key may send the rest, and SDKs add new ones.
    """
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise BadOption(
                f"--cors_origins {origin!r} is not an origin: write scheme, host and port as in http://localhost:3000, "
                "without a path or a slash at the end, or * for every origin."
            )
    return CORSConfig(allow_origins=list(origins), expose_headers=list(EXPOSED)) if origins else None


def refuse_strangers(app: Litestar) -> None:
    """Have ``app`` answer the preflight of an origin that it does not allow with our error; Litestar sends text."""
    if app.cors_config is not None:
        app.asgi_handler = _with_refusals(app.asgi_handler, app.cors_config)


def _with_refusals(app: ASGIApp, config: CORSConfig) -> ASGIApp:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        is_preflight = scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS"
        origin = Headers.from_scope(scope).get("origin") if is_preflight else None
        if origin is None or config.is_origin_allowed(origin):
            await app(scope, receive, send)
            return
        error = InvalidRequest(
            f"Pages of {origin!r} may not call this gateway: the setting cors_origins does not name this origin.",
            code="origin_not_allowed",
        )
        request = Request[Any, Any, Any](scope, receive, send)
        response = answer_error(request, error).to_asgi_response(app=None, request=request)
        await response(scope, receive, send)

    return handle
