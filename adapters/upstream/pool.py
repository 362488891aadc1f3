"""The resources that all upstream clients of an event loop share: one HTTP client, one circuit breaker per model."""

import asyncio
import ssl
from collections import defaultdict
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.request import getproxies
from weakref import WeakKeyDictionary

import httpx

from adapters.upstream.breaker import CircuitBreaker
from adapters.upstream.transport import Transport


class ClientPool:
    """An HTTP client without credentials or cookies, and the breakers by base URL and model; made by ``acquire``."""

    def __init__(self) -> None:
        self.client = _client()
        self.breakers: defaultdict[tuple[str, str], CircuitBreaker] = defaultdict(CircuitBreaker)
        self._users = 0

    @staticmethod
    def acquire() -> "ClientPool":
        """The pool of the running event loop; call ``release`` once for each ``acquire``."""
        loop = asyncio.get_running_loop()
        if loop not in _by_loop:
            _by_loop[loop] = ClientPool()
        _by_loop[loop]._users += 1
        return _by_loop[loop]

    async def release(self) -> None:
        """Give the pool back; the last user closes every connection."""
        self._users -= 1
        if self._users == 0:
            del _by_loop[asyncio.get_running_loop()]
            await self.client.aclose()


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, ClientPool] = WeakKeyDictionary()


@cache
def _ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _client() -> httpx.AsyncClient:
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    if {"http", "https", "all"} & getproxies().keys():
        # The environment names a proxy: httpx knows how to use it.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=60.0)
        return httpx.AsyncClient(verify=_ssl_context(), limits=limits, cookies=no_cookies)
    return httpx.AsyncClient(transport=Transport(_ssl_context), cookies=no_cookies)
