"""The resources that all upstream clients of an event loop share: connections, and one circuit breaker per model."""

import asyncio
from collections import defaultdict
from weakref import WeakKeyDictionary

import httpx

from adapters.upstream.breaker import CircuitBreaker
from adapters.upstream.certificates import ssl_context
from adapters.upstream.transport import Transport


class ClientPool:
    """The transports by proxy, and the breakers by base URL and model; made by ``acquire``.

    Requests go straight to a transport: redirects, cookies and sessions of an ``httpx.AsyncClient`` are of no use for
    servers that have none, and would cost as much as all the rest of sending.
    """

    def __init__(self) -> None:
        self.breakers: defaultdict[tuple[str, str], CircuitBreaker] = defaultdict(CircuitBreaker)
        self._transports: dict[str, httpx.AsyncBaseTransport] = {}
        self._users = 0

    @staticmethod
    def acquire() -> "ClientPool":
        """The pool of the running event loop; call ``release`` once for each ``acquire``."""
        loop = asyncio.get_running_loop()
        if loop not in _by_loop:
            _by_loop[loop] = ClientPool()
        _by_loop[loop]._users += 1
        return _by_loop[loop]

    def transport(self, proxy: httpx.Proxy | None) -> httpx.AsyncBaseTransport:
        """The transport through ``proxy``, or for direct connections. Raises ``TrustStoreError``."""
        key = str(proxy.url) + str(proxy.raw_auth) if proxy else ""
        if key not in self._transports:
            self._transports[key] = _transport(proxy)
        return self._transports[key]

    async def release(self) -> None:
        """Give the pool back; the last user closes every connection."""
        self._users -= 1
        if self._users == 0:
            del _by_loop[asyncio.get_running_loop()]
            for transport in self._transports.values():
                await transport.aclose()


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, ClientPool] = WeakKeyDictionary()


def _transport(proxy: httpx.Proxy | None) -> httpx.AsyncBaseTransport:
    if proxy is None:
        return Transport(ssl_context)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=60.0)
    return httpx.AsyncHTTPTransport(verify=ssl_context(), limits=limits, proxy=proxy)
