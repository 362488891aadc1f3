"""A transport for httpx at a third of the cost of its own: HTTP/1.1, unlimited connections, kept alive while idle.

Measured against httpx's own transport and ``httpx-aiohttp``: see ``tests/bench/README.md``.
"""

import asyncio
import socket
import ssl
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx

from adapters.upstream.connection import Connection

_IDLE_SECONDS = 60.0
_MAX_IDLE_CONNECTIONS = 64  # to one server
_ONE_ADDRESS_SECONDS = 1.0  # then the host's next address is tried: some networks announce IPv6 that does not work

CONNECTION = "speech_gateway.connection"
"""The extension of a response with its ``Connection``."""

Origin = tuple[str, str, int | None]
Address = tuple[int, int, int, str, Any]  # as returned by getaddrinfo


class Transport(httpx.AsyncBaseTransport):
    """Opens a connection when none is idle, so no request waits in a queue; ``ssl_context`` is called for TLS only."""

    def __init__(self, ssl_context: Callable[[], ssl.SSLContext]) -> None:
        self._ssl_context = ssl_context
        self._idle: defaultdict[Origin, list[tuple[float, Connection]]] = defaultdict(list)
        self._open: set[Connection] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; returns the response once its headers have arrived. Raises ``httpx.TransportError``.

        Cancelling this call, or closing the response before its end, closes the connection before it returns.
        """
        origin = (request.url.scheme, request.url.host, request.url.port)
        content = request.stream
        data = _serialized(request, content.data if isinstance(content, Content) else await request.aread())
        connection = self._take(origin) or await self._connect(request)
        self._open.add(connection)
        try:
            status, headers = await connection.send(data)
        except BaseException:
            await self._release(origin, connection)
            raise
        return httpx.Response(
            status,
            headers=headers,
            stream=_Body(connection, lambda: self._release(origin, connection)),
            extensions={CONNECTION: connection},
        )

    async def aclose(self) -> None:
        """Close every connection; open streams fail."""
        connections = [connection for idle in self._idle.values() for _, connection in idle]
        for connection in (*connections, *self._open):
            connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)

    def _take(self, origin: Origin) -> Connection | None:
        """The idle connection that was used last; connections that are too old are closed."""
        now = asyncio.get_running_loop().time()
        idle = self._idle[origin]
        while idle:
            since, connection = idle.pop()
            if since + _IDLE_SECONDS > now and not connection.is_lost:
                return connection
            connection.abort()
        return None

    async def _release(self, origin: Origin, connection: Connection) -> None:
        self._open.discard(connection)
        idle = self._idle[origin]
        if connection.is_reusable and len(idle) < _MAX_IDLE_CONNECTIONS:
            idle.append((asyncio.get_running_loop().time(), connection))
            return
        connection.abort()
        await asyncio.sleep(0)  # lets the event loop close the socket

    async def _connect(self, request: httpx.Request) -> Connection:
        secure = request.url.scheme == "https"
        host, port = request.url.raw_host.decode(), request.url.port or (443 if secure else 80)
        context = self._ssl_context() if secure else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("connect")):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                _, connection = await loop.create_connection(
                    Connection,
                    sock=await _connected_socket(_alternating(found)),
                    ssl=context,
                    server_hostname=host if secure else None,
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout("connecting timed out", request=request) from error
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return connection


class Content(httpx.ByteStream):
    """The body of a request, ``data``, which a transport need not iterate."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class _Body(httpx.AsyncByteStream):
    def __init__(self, connection: Connection, release: Callable[[], Awaitable[None]]) -> None:
        self._connection = connection
        self._release = release
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._connection.read():
            yield piece

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            await self._release()


def _serialized(request: httpx.Request, body: bytes) -> bytes:
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%b: %b" % header for header in request.headers.raw]
    return b"\r\n".join((*lines, b"", body))


def _alternating(addresses: Sequence[Address]) -> list[Address]:
    """The addresses of a host in the order of its resolver, but with IPv6 and IPv4 alternating."""
    seen: Counter[int] = Counter()
    turns = []
    for number, (family, *_) in enumerate(addresses):
        turns.append((seen[family], number))
        seen[family] += 1
    return [addresses[number] for _, number in sorted(turns)]


async def _connected_socket(addresses: Sequence[Address]) -> socket.socket:
    """A socket connected to the first address that answers. Raises the ``OSError`` of the last address."""
    *others, last = addresses
    for address in others:
        try:
            async with asyncio.timeout(_ONE_ADDRESS_SECONDS):
                return await _connect_to(*address)
        except OSError:
            continue
    return await _connect_to(*last)


async def _connect_to(family: int, kind: int, protocol: int, _name: str, address: Any) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
