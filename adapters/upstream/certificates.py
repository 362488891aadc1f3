"""The certificates that servers are verified with."""

import ssl
from functools import cache

import httpx


class TrustStoreError(httpx.ConnectError):
    """The certificates cannot be loaded: ``SSL_CERT_FILE`` or ``SSL_CERT_DIR`` names something else."""


@cache
def ssl_context() -> ssl.SSLContext:
    """The TLS context of all connections, loaded when the first one needs it. Raises ``TrustStoreError``."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # of which ssl.SSLError is one
        raise TrustStoreError(type(error).__name__) from error
