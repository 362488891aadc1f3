"""The proxy for a server, from ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``."""

import re
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from urllib.request import getproxies

import httpx

from adapters.options import BadOption
from adapters.upstream.urls import display_url, parse_url

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SOCKS = {"socks": "socks5", "socks5": "socks5", "socks5h": "socks5h"}  # desktops write socks:// for SOCKS 5


def proxy_for(url: httpx.URL) -> httpx.Proxy | None:
    """The proxy for requests to ``url``; ``None`` if there is none, or ``NO_PROXY`` excludes the host.

    Raises ``BadOption`` for a proxy that cannot be used; proxies for other servers are not looked at.
    """
    proxies = getproxies()
    name = url.scheme if proxies.get(url.scheme) else "all"
    given = proxies.get(name)
    if not given or _is_excluded(url, proxies.get("no", "")):
        return None
    variable = f"{name.upper()}_PROXY"
    way_out = f"set another proxy, or exclude the server with NO_PROXY={url.host}"
    proxy = parse_url(given if "://" in given else f"http://{given}")
    if proxy is None:
        raise BadOption(f"{variable} is not the URL of a proxy like 'http://proxy:3128': {way_out}.")
    if proxy.scheme not in ("http", "https", *_SOCKS):
        raise BadOption(f"{variable} names the proxy {display_url(proxy)}, whose scheme is not supported: {way_out}.")
    if proxy.scheme in _SOCKS:
        if find_spec("socksio") is None:
            raise BadOption(
                f"{variable} names the SOCKS proxy {display_url(proxy)}, which needs the package socksio: "
                f"install it (pip install socksio), {way_out}."
            )
        proxy = proxy.copy_with(scheme=_SOCKS[proxy.scheme])
    return httpx.Proxy(proxy)


def _is_excluded(url: httpx.URL, no_proxy: str) -> bool:
    return any(_matches(url, entry) for entry in re.split(r"[\s,;]+", no_proxy.lower()) if entry)


def _matches(url: httpx.URL, entry: str) -> bool:
    """Whether ``entry`` names the host of ``url``: a domain, an address or a network, with or without a port."""
    scheme, _, rest = entry.rpartition("://")
    place, port = rest.rstrip("/"), ""
    if "]:" in place or place.count(":") == 1:
        place, _, port = place.rpartition(":")
    if scheme not in ("", "all", url.scheme) or port not in ("", str(url.port or _DEFAULT_PORTS[url.scheme])):
        return False
    if place == "*":
        return True
    host = url.host.lower().rstrip(".")
    try:
        return ip_address(_bare(host)) in ip_network(_bare(place), strict=False)
    except ValueError:  # one of the two is a name
        domain = place.lstrip("*").strip(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _bare(address: str) -> str:
    """An address or network without brackets and zone."""
    return re.sub(r"[\[\]]|%[^/]*", "", address)
