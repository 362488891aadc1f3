"""A server that sends prepared bytes, for responses that no HTTP library would write."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import httpx

from adapters.upstream.transport import Transport

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def plain_client() -> httpx.AsyncClient:
    """An HTTP client with our transport, without TLS."""
    return httpx.AsyncClient(transport=Transport(_no_tls))


def _no_tls() -> ssl.SSLContext:
    raise AssertionError("TLS is not expected here")


class RawServer:
    """Answers each request of a connection with the next of ``answers``; ``close`` closes it after the first."""

    def __init__(self, *answers: bytes, close: bool = False) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._answers = list(answers)
        self._close = close

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while self._answers:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self._answers.pop(0))
                if self._close:
                    break
            else:
                await reader.read(1)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncGenerator[str, None]:
    """A server on 127.0.0.1 whose connections ``handler`` handles; its URL."""
    handlers: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(cast("asyncio.Task[None]", asyncio.current_task()))
        await handler(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/path?q=1"
        await asyncio.gather(*handlers)


async def answers(server: RawServer, times: int = 1) -> list[bytes]:
    """The bodies of ``times`` responses, one request after another."""
    async with serving(server.serve) as url, plain_client() as http:
        return [(await http.get(url)).content for _ in range(times)]
