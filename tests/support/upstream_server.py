"""A scripted OpenAI-like server over a real socket: a script answers each request, step by step."""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Self

import msgspec


class Exchange:
    """One request, and the methods that answer it."""

    def __init__(self, head: str, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request_line, *fields = head.splitlines()
        self.method, self.path, _ = request_line.split(" ")
        self.headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields if field)}
        self.body = body
        self._reader = reader
        self._writer = writer
        self.finished = False

    @property
    def json(self) -> Any:
        """The decoded request body."""
        return msgspec.json.decode(self.body)

    @property
    def is_open(self) -> bool:
        """Whether the answer is unfinished and the client still connected, as the kernel knows it now."""
        return not self.finished and _connected(self._writer)

    async def start(self, status: int = 200, content_type: str = "text/event-stream", **headers: str) -> None:
        """Send the status line and headers; header names are written with underscores."""
        lines = [f"HTTP/1.1 {status} Scripted", "transfer-encoding: chunked"]
        if content_type:
            lines.append(f"content-type: {content_type}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self._write("\r\n".join(lines).encode() + b"\r\n\r\n")

    async def send(self, data: bytes) -> None:
        """Send a piece of the body."""
        if data:
            await self._write(b"%x\r\n%b\r\n" % (len(data), data))

    async def events(self, *events: Any) -> None:
        """Send each as a server-sent event: text and bytes unchanged, other values as JSON."""
        for event in events:
            await self.send(sse(event))

    async def finish(self) -> None:
        """End the body; the connection stays open for the next request."""
        self.finished = True
        await self._write(b"0\r\n\r\n")

    async def garbage(self, data: bytes) -> None:
        """Send ``data`` as it is, whether or not it is HTTP, and close the connection."""
        self.finished = True
        await self._write(data)
        self._writer.close()

    def cut(self) -> None:
        """Close the connection at once."""
        self.finished = True
        self._writer.transport.abort()

    async def reply(self, status: int, body: Any, content_type: str = "application/json", **headers: str) -> None:
        """Send a complete response; a ``body`` that is not bytes is sent as JSON."""
        await self.start(status, content_type, **headers)
        await self.send(body if isinstance(body, bytes) else msgspec.json.encode(body))
        await self.finish()

    async def until_left(self) -> None:
        """Wait until the client has closed the connection."""
        with suppress(ConnectionError):
            while await self._reader.read(1):
                pass

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


Script = Callable[[Exchange], Awaitable[None]]


def sse(event: Any) -> bytes:
    """One server-sent event."""
    if isinstance(event, str):
        event = event.encode()
    return b"data: " + (event if isinstance(event, bytes) else msgspec.json.encode(event)) + b"\n\n"


def streams(*events: Any) -> Script:
    """A script that streams ``events`` and ends the body."""

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(*events)
        await exchange.finish()

    return script


def replies(status: int, body: Any, content_type: str = "application/json", **headers: str) -> Script:
    """A script that sends a complete response."""

    async def script(exchange: Exchange) -> None:
        await exchange.reply(status, body, content_type, **headers)

    return script


class UpstreamServer:
    """Serves on 127.0.0.1 within its ``async with`` block; ``script`` answers every request.

    ``exchanges`` are the requests so far, ``connections`` the number of connections they came on, ``handlers`` the
    tasks of those that are open; ``tls`` makes it an HTTPS server, ``port`` 0 takes a free port.
    """

    def __init__(self, script: Script | None = None, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._tls = tls
        self._port = port
        self.script = script or replies(404, {"error": {"message": "Not Found"}})
        self.exchanges: list[Exchange] = []
        self.connections = 0
        self.handlers: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._tls, backlog=256)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for handler in self.handlers:
            handler.cancel()
        await asyncio.gather(*self.handlers, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def open_streams(self) -> int:
        """How many answers are under way whose clients are still there."""
        return sum(exchange.is_open for exchange in self.exchanges)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.handlers.add(task)
        self.connections += 1
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while not writer.is_closing():
                    exchange = await _read_request(reader, writer)
                    self.exchanges.append(exchange)
                    await self.script(exchange)
        except asyncio.CancelledError:
            pass  # the server is shutting down
        finally:
            self.handlers.discard(task)
            writer.transport.abort()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"(?im)^content-length: (\d+)", head)
    body = await reader.readexactly(int(length[1]) if length else 0)
    return Exchange(head, body, reader, writer)


def _connected(writer: asyncio.StreamWriter) -> bool:
    """Whether the peer still holds the connection, according to the kernel, which knows before the event loop."""
    if writer.is_closing() or (number := writer.get_extra_info("socket").fileno()) < 0:
        return False
    with socket.socket(fileno=os.dup(number)) as peek:
        try:
            return peek.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False


async def hold(exchange: Exchange) -> None:
    """A script that never answers the request."""
    await exchange.until_left()


def in_order(scripts: Sequence[Script]) -> Script:
    """A script that answers the first request with the first of ``scripts``, and so on."""
    remaining = list(scripts)

    async def script(exchange: Exchange) -> None:
        await remaining.pop(0)(exchange)

    return script
