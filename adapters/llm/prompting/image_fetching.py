"""Fetches the images of a request: from ``data:`` URLs and from the public internet, never from a private address.

The client chooses the URL and this process fetches it, which is open to server-side request forgery. So every host is
resolved here, all its addresses must be public, and the connection goes to an address that was checked; the same holds
for every redirect.
"""

import asyncio
import base64
import binascii
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import unquote_to_bytes

import httpx
import msgspec

from adapters.blocking import call
from adapters.contract import llm
from adapters.contract.errors import InvalidRequest

_MAX_BYTES = 20_000_000
_MAX_REDIRECTS = 3
_TIMEOUT_SECONDS = 10.0
_CONNECT_SECONDS = 3.0  # to one of several addresses
_MAX_ADDRESSES = 4

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_SPECIAL = tuple(
    # What IANA's registries of special-purpose addresses have beside, and not every release of ``ipaddress`` knows:
    # protocol assignments (Teredo among them), 6to4 and its relays, documentation.
    map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)


def is_public(address: Address) -> bool:
    """Whether ``address`` is on the public internet, or leads to an IPv4 address that is."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:  # how hosts with IPv6 alone reach IPv4
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _GLOBAL_UNICAST:
            return False
    special = any(address in network for network in _SPECIAL if network.version == address.version)
    return address.is_global and not (special or address.is_multicast or address.is_reserved)


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of ``host``. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """How hosts are found, and which addresses may be reached."""

    resolve: Callable[[str, int], Awaitable[Sequence[Address]]] = resolve
    may_reach: Callable[[Address], bool] = is_public


_PUBLIC = Network()


async def fetch(image: llm.Image, network: Network = _PUBLIC) -> bytes:
    """The image file, at most 20 MB, within 10 seconds. Raises ``InvalidRequest``."""
    if image.url[:5].lower() == "data:":
        return await call(_decode_data_url, image.url)
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS), _client() as client:
            return await _fetch_url(client, image.url, network)
    except TimeoutError as error:
        raise _refusal(f"The image did not arrive within {_TIMEOUT_SECONDS:.0f} seconds.") from error


def _decode_data_url(url: str) -> bytes:
    head, comma, data = url.partition(",")
    if not comma:
        raise _refusal("The data: URL of the image has no comma, and therefore no data.")
    if len(data) > _MAX_BYTES * 2:
        raise _too_large()
    raw = unquote_to_bytes(data)
    if head.lower().endswith(";base64"):
        try:
            raw = base64.b64decode(raw, validate=True)
        except binascii.Error as error:
            raise _refusal("The data: URL of the image is not valid base64.") from error
    if len(raw) > _MAX_BYTES:
        raise _too_large()
    return raw


@cache
def _context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _client() -> httpx.AsyncClient:
    # The proxies and credentials of the environment are not for what clients ask for.
    timeout = httpx.Timeout(_TIMEOUT_SECONDS, connect=_CONNECT_SECONDS)
    return httpx.AsyncClient(trust_env=False, verify=_context(), timeout=timeout, follow_redirects=False)


async def _fetch_url(client: httpx.AsyncClient, location: str, network: Network) -> bytes:
    try:
        url = httpx.URL(location)
        for _ in range(_MAX_REDIRECTS + 1):
            response = await _response(client, url, network)
            try:
                if not response.has_redirect_location:
                    return await _body(response)
                url = url.join(response.headers["location"])
            finally:
                await response.aclose()
    except (httpx.InvalidURL, UnicodeError) as error:
        raise _refusal("The URL of the image is not valid.") from error
    except httpx.HTTPError as error:
        raise _refusal("The image could not be fetched: its server is unreachable or does not speak HTTP.") from error
    raise _refusal(f"The image's URL redirects more than {_MAX_REDIRECTS} times.")


async def _response(client: httpx.AsyncClient, url: httpx.URL, network: Network) -> httpx.Response:
    """The response of the first address of ``url`` that connects, with its body unread."""
    if url.scheme not in ("http", "https") or not url.host:
        raise _refusal("An image must have an http:, https: or data: URL.")
    if url.userinfo:
        raise _refusal("The URL of an image must not contain credentials.")
    host, port = url.raw_host.decode(), url.port or (443 if url.scheme == "https" else 80)
    if port > 65535:
        raise _refusal("The URL of the image has an invalid port.")
    failure: httpx.TransportError = httpx.ConnectError("no address")
    for address in await _addresses(host, port, network):
        request = client.build_request(
            "GET",
            url.copy_with(host=str(address)),
            headers={"host": url.netloc.decode(), "accept": "image/*", "accept-encoding": "identity"},
            # The certificate must be the host's, not the address's.
            extensions={"sni_hostname": host},
        )
        try:
            return await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            failure = error
    raise failure


async def _addresses(host: str, port: int, network: Network) -> Sequence[Address]:
    try:
        found = await network.resolve(host, port)
    except (OSError, UnicodeError, ValueError) as error:
        raise _refusal("The host of the image's URL cannot be resolved.") from error
    if not found or not all(map(network.may_reach, found)):
        raise _refusal("The host of the image's URL is not on the public internet: send the image as a data: URL.")
    return list(dict.fromkeys(found))[:_MAX_ADDRESSES]


async def _body(response: httpx.Response) -> bytes:
    if response.status_code != 200:
        raise _refusal(f"The server of the image answered with status {response.status_code}.")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _refusal("The server of the image sent it compressed, although the request did not allow that.")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > _MAX_BYTES:
            raise _too_large()
    return bytes(body)


def _refusal(message: str) -> InvalidRequest:
    return InvalidRequest(message, param="messages", code="invalid_image_url")


def _too_large() -> InvalidRequest:
    return InvalidRequest(
        f"The image is larger than {_MAX_BYTES // 1_000_000} MB: send a smaller one.",
        param="messages",
        code="image_too_large",
    )
