"""The resources that all upstream clients of an event loop share: HTTP clients, and one circuit breaker per model."""

import asyncio
from collections import defaultdict
from http.cookiejar import CookieJar, DefaultCookiePolicy
from weakref import WeakKeyDictionary

import httpx

from adapters.upstream.breaker import CircuitBreaker
from adapters.upstream.certificates import ssl_context
from adapters.upstream.transport import Transport


class ClientPool:
    """HTTP clients without credentials or cookies, and the breakers by base URL and model; made by ``acquire``."""

    def __init__(self) -> None:
        self.breakers: defaultdict[tuple[str, str], CircuitBreaker] = defaultdict(CircuitBreaker)
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._users = 0

    @staticmethod
    def acquire() -> "ClientPool":
        """The pool of the running event loop; call ``release`` once for each ``acquire``."""
        loop = asyncio.get_running_loop()
        if loop not in _by_loop:
            _by_loop[loop] = ClientPool()
        _by_loop[loop]._users += 1
        return _by_loop[loop]

    def client(self, proxy: httpx.Proxy | None) -> httpx.AsyncClient:
        """The client for ``proxy``, or for direct connections. Raises ``TrustStoreError``."""
        key = str(proxy.url) + str(proxy.raw_auth) if proxy else ""
        if key not in self._clients:
            cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
            self._clients[key] = httpx.AsyncClient(transport=_transport(proxy), cookies=cookies, trust_env=False)
        return self._clients[key]

    async def release(self) -> None:
        """Give the pool back; the last user closes every connection."""
        self._users -= 1
        if self._users == 0:
            del _by_loop[asyncio.get_running_loop()]
            for client in self._clients.values():
                await client.aclose()


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, ClientPool] = WeakKeyDictionary()


def _transport(proxy: httpx.Proxy | None) -> httpx.AsyncBaseTransport:
    if proxy is None:
        return Transport(ssl_context)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=60.0)
    return httpx.AsyncHTTPTransport(verify=ssl_context(), limits=limits, proxy=proxy)
