"""What trusted proxies say about the clients behind them: ``X-Forwarded-For`` and ``X-Forwarded-Proto``."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from litestar.types import ASGIApp, Receive, Send

from adapters.options import BadOption

ANY = "*"

Client = tuple[str, int]
"""An address and a port."""

Headers = Iterable[tuple[bytes, bytes]]


class TrustedProxies:
    """The proxies in ``networks``: addresses, networks, or ``*`` for all. Raises ``BadOption`` for anything else."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._all = ANY in networks
        self._networks = [_network(text) for text in networks if text != ANY]

    @property
    def empty(self) -> bool:
        """Whether no proxy is trusted."""
        return not self._all and not self._networks

    def trusts(self, address: str) -> bool:
        """Whether ``address`` is that of a trusted proxy."""
        if self._all or not self._networks:
            return self._all
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._networks)

    def client(self, peer: Client | None, headers: Headers) -> Client | None:
        """The client of a request that ``peer`` has sent with ``headers``: the nearest one that is no trusted proxy."""
        if self.empty or peer is None or not self.trusts(peer[0]):
            return peer
        forwarded = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        for text in reversed(forwarded.split(",")):
            if (address := _bare(text)) is None:  # whoever wrote this, what stands before it cannot be believed
                break
            peer = (address, 0)
            if not self._all and not self.trusts(address):
                break
        return peer


class ForwardedHeaders:
    """``app`` with the client and the scheme of each request as a trusted proxy says them."""

    def __init__(self, app: ASGIApp, proxies: TrustedProxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve the request."""
        if scope["type"] != "lifespan":
            peer = scope["client"]
            if peer is not None and self._proxies.trusts(peer[0]):
                scope["client"] = self._proxies.client(peer, scope["headers"])
                protocol = next((value for name, value in scope["headers"] if name == b"x-forwarded-proto"), b"")
                if protocol in {b"http", b"https"}:
                    websocket = scope["type"] == "websocket"
                    scope["scheme"] = protocol.decode().replace("http", "ws") if websocket else protocol.decode()
        await self._app(scope, receive, send)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadOption(
            f"--forwarded_allow_ips {text!r} is no address and no network: write 10.0.0.7, 10.0.0.0/8, or * for all."
        ) from None


def _bare(text: str) -> str | None:
    """An address as proxies write it, without port and brackets; ``None`` for what is no address."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
