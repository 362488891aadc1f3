"""URLs from settings, the environment and servers: parsed without surprises, and shown without secrets."""

import ipaddress
from base64 import b64encode

import httpx


def parse_url(text: str) -> httpx.URL | None:
    """The URL in ``text``; ``None`` if it cannot be used: no scheme, no valid host, no valid port."""
    try:
        url = httpx.URL(text)
        usable = bool(url.scheme and url.host) and (url.port is None or 0 < url.port < 65536)
        usable = usable and ("%" not in url.host or ":" in url.host)  # httpx escapes what no host name has
    except (httpx.InvalidURL, ValueError):  # some host names raise a UnicodeError
        return None
    return url if usable else None


def is_near(text: str | None) -> bool:
    """Whether a server is at a loopback or private address; without an address it is the provider's own."""
    url = None if text is None else parse_url(text)
    if url is None:
        return False
    try:
        address = ipaddress.ip_address(url.host)
    except ValueError:
        return "." not in url.host or url.host.endswith((".localhost", ".local", ".internal"))
    return address.is_loopback or address.is_private


def authorization(url: httpx.URL, key: str) -> dict[str, str]:
    """The header that says to the server at ``url`` who asks: the user and password in it, else the ``key``."""
    if url.userinfo:
        return {"authorization": f"Basic {b64encode(f'{url.username}:{url.password}'.encode()).decode()}"}
    return {"authorization": f"Bearer {key}"} if key else {}


def display_url(url: httpx.URL) -> str:
    """``url`` for logs and messages: without user, password, query and fragment."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))
