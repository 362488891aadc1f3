"""Keeps the web pages of other sites from using a gateway without keys: a browser sends their requests here too.

A page can have its own host name lead to this machine after it was loaded (DNS rebinding): then the browser takes the
gateway for the page's own server, and only ``Host`` tells. Else ``Origin`` names the page.
"""

from collections.abc import Callable, Sequence

from litestar.types import Scope

from gateway.access.keys import NotAllowed
from gateway.access.loopback import is_loopback
from gateway.http.cors import cors_config

_HTTP_OF = {"ws": "http", "wss": "https"}


class ForeignPages:
    """Allows requests to loopback addresses and to ``hosts``; from web pages only those of ``origins`` and its own."""

    def __init__(self, hosts: Sequence[str], origins: Sequence[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        config = cors_config(origins)
        self._allowed: Callable[[str], bool] = config.is_origin_allowed if config is not None else lambda _: False

    def check(self, scope: Scope) -> None:
        """Raise ``NotAllowed`` for a request that a foreign page may have sent."""
        host = origin = None
        for name, value in scope["headers"]:
            if name == b"host" and host is None:
                host = value.decode("latin-1").lower()
            elif name == b"origin" and origin is None:
                origin = value.decode("latin-1")
        if host is not None and not is_loopback(_name(host)) and _name(host) not in self._hosts:
            raise NotAllowed(
                f"This gateway has no keys and is not called {_name(host)[:100]!r}: its operator allows a name with "
                "--allow_anonymous, or gives out keys with --api_keys.",
                code="host_not_allowed",
            )
        if origin is None or self._allowed(origin):
            return
        scheme = _HTTP_OF.get(scope["scheme"], scope["scheme"])
        if origin.lower() != f"{scheme}://{host}":
            raise NotAllowed(
                f"This gateway has no keys, and pages of {origin[:100]!r} may not use it: its operator allows them "
                "with --cors_origins.",
                code="origin_not_allowed",
            )


def _name(host: str) -> str:
    """The host of a ``Host`` header without its port, and without the brackets of an address."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")
