"""CORS: which web pages on other sites may call this gateway from a browser, and which headers they may read."""

import re
from collections.abc import Sequence

from litestar.config.cors import CORSConfig

from adapters.options import BadOption
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
