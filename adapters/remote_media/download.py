"""Downloads one file from a URL that a client chose, and never from an address that is not allowed.

The client chooses the URL and this process fetches it, which is open to server-side request forgery. So every host is
resolved here, all its addresses must be allowed, and the connection goes to an address that was checked, which a second
look-up of the name cannot change; the same holds for every redirect.
"""

import ssl
from collections.abc import Callable, Sequence
from functools import cache

import httpx
import msgspec

from adapters.contract.errors import InvalidRequest
from adapters.options import shown_url
from adapters.remote_media.addresses import Address, Network
from adapters.remote_media.data_urls import MAX_BYTES, too_large
from adapters.remote_media.options import AllowedHosts

MAX_REDIRECTS = 3

_GAP_SECONDS = 5.0
_CONNECT_SECONDS = 3.0  # to one of several addresses
_MAX_ADDRESSES = 4
_SHOWN_CHARACTERS = 200  # of a URL in a message


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """From where files may come, and how their hosts are found."""

    hosts: AllowedHosts
    network: Network


class Downloaded(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and what its server says it is (``image/png``)."""

    data: bytes
    media_type: str


async def download(url: str, kind: str, source: Source, reserve: Callable[[int], None]) -> Downloaded:
    """The file at ``url``, whose media type must begin with ``kind`` (image, video, audio); at most 20 MB.

    ``reserve`` is told of every byte before it is kept and may refuse it. Raises ``InvalidRequest``, and what
    ``reserve`` raises; the caller limits the time.
    """
    request = _Download(url, kind, source)
    try:
        async with _client() as client:
            return await request.follow(client, reserve)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise request.refused("the URL is not valid") from error
    except httpx.HTTPError as error:
        raise request.unreachable() from error


def refused(url: str, kind: str, why: str) -> InvalidRequest:
    """The refusal of the file at ``url``; ``why`` completes the sentence."""
    return InvalidRequest(
        f"Error while downloading {shown_url(url)[:_SHOWN_CHARACTERS]}: {why}. "
        f"Send the {kind} as a data: URL if its address cannot be used.",
        param="messages",
        code=f"invalid_{kind}_url",
    )


@cache
def _context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _client() -> httpx.AsyncClient:
    # The proxies and credentials of the environment are not for what clients ask for.
    timeout = httpx.Timeout(_GAP_SECONDS, connect=_CONNECT_SECONDS)
    return httpx.AsyncClient(trust_env=False, verify=_context(), timeout=timeout, follow_redirects=False)


class _Download:
    """The file at ``url``, from there or from where it redirects to."""

    def __init__(self, url: str, kind: str, source: Source) -> None:
        self._url = url
        self._kind = kind
        self._source = source

    def refused(self, why: str) -> InvalidRequest:
        return refused(self._url, self._kind, why)

    def unreachable(self) -> InvalidRequest:
        """The refusal of a host: one for all reasons, because their difference describes the network in here."""
        if self._source.hosts.patterns:
            return self.refused("its host cannot be reached, or is not one that this server may fetch from")
        return self.refused("its host cannot be reached on the public internet")

    async def follow(self, client: httpx.AsyncClient, reserve: Callable[[int], None]) -> Downloaded:
        url = httpx.URL(self._url)
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._response(client, url)
            try:
                if not response.has_redirect_location:
                    return Downloaded(media_type=self._media_type(response), data=await self._body(response, reserve))
                url = url.join(response.headers["location"])
            finally:
                await response.aclose()
        raise self.refused(f"it redirects more than {MAX_REDIRECTS} times")

    async def _response(self, client: httpx.AsyncClient, url: httpx.URL) -> httpx.Response:
        """The response of the first address of ``url`` that connects, with its body unread."""
        if url.scheme not in ("http", "https") or not url.host:
            raise self.refused("it is not an http: or https: URL, or leads to one that is not")
        if url.userinfo:
            raise self.refused("a URL with credentials is not fetched")
        host, port = url.raw_host.decode(), url.port or (443 if url.scheme == "https" else 80)
        if port > 65535:
            raise self.refused("the port is not valid")
        failure: httpx.TransportError = httpx.ConnectError("no address")
        for address in await self._addresses(host, port):
            request = client.build_request(
                "GET",
                url.copy_with(host=str(address)),
                headers={"host": url.netloc.decode(), "accept": f"{self._kind}/*", "accept-encoding": "identity"},
                # The certificate must be the host's, not the address's.
                extensions={"sni_hostname": host},
            )
            try:
                return await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> Sequence[Address]:
        hosts, network = self._source.hosts, self._source.network
        named = hosts.names(host)
        if not named and not hosts.public:
            raise self.unreachable()
        try:
            found = await network.resolve(host, port)
        except (OSError, UnicodeError, ValueError) as error:
            raise self.unreachable() from error
        if not found or not (named or all(map(network.is_public, found))):
            raise self.unreachable()
        return list(dict.fromkeys(found))[:_MAX_ADDRESSES]

    def _media_type(self, response: httpx.Response) -> str:
        if response.status_code != 200:
            raise self.refused(f"its server answered with status {response.status_code}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self.refused("its server sent it compressed, although the request did not allow that")
        declared = str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()
        if not declared.startswith(f"{self._kind}/") or not declared.isascii() or "," in declared:
            raise self.refused(
                f"its server does not say that it is {'an' if self._kind[0] in 'ai' else 'a'} {self._kind}"
            )
        return declared

    async def _body(self, response: httpx.Response, reserve: Callable[[int], None]) -> bytes:
        body = bytearray()
        async for piece in response.aiter_raw():
            reserve(len(piece))
            body += piece
            if len(body) > MAX_BYTES:
                raise too_large(self._kind)
        return bytes(body)
