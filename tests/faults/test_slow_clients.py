"""Clients that send or read a byte at a time, on every surface: they lose their connection, and nobody else waits."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from adapters import scripted
from gateway.server import limits
from tests.support import chat_client
from tests.support.http_client import ROUTE, Bench, benched, form
from tests.support.server import gateway_of, scripted_engines, until

pytestmark = pytest.mark.timeout(60)

SHORT = {"model": "echo", "input": "Hi.", "voice": "alloy"}
MEGABYTES = "word " * 2_000_000
SURFACES: dict[str, tuple[str, dict[str, Any]]] = {
    "voice turn": (ROUTE, form()),
    "voice turn, events": (ROUTE, form(fields={"stream_format": "sse"})),
    "speech": (
        "/v1/audio/speech",
        {"json": {"model": "echo", "input": "Hello " * 600, "voice": "alloy", "response_format": "pcm"}},
    ),
    "chat": ("/v1/chat/completions", chat_client.asked(stream=True)),
    "spoken chat": ("/v1/chat/completions", chat_client.asked(stream=True, **chat_client.SPOKEN)),
    "response": ("/v1/responses", {"json": {"model": "echo", "input": "Hello.", "stream": True}}),
    "transcription": ("/v1/audio/transcriptions", form(fields={"model": "echo"})),
}


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IDLE_SECONDS", "HEAD_SECONDS", "BODY_SECONDS", "LINGER_SECONDS", "FLUSH_SECONDS", "READ_SECONDS"):
        monkeypatch.setattr(limits, name, 0.5)


@asynccontextmanager
async def bench() -> AsyncGenerator[Bench, None]:
    """A gateway for one request at a time, whose answers no system can keep in its buffers."""
    engines = scripted_engines(
        stt=scripted.recogniser(MEGABYTES),
        llm=scripted.language_model(scripted.answering(*["Hello there, and so on. " * 50] * 10_000)),
        tts=scripted.synthesiser(scripted.ToneVoice(seconds_per_character=1.0)),
    )
    gateway = gateway_of(engines, "--max_requests", "1")
    async with benched(gateway) as bench:
        yield bench


def request_of(client: httpx.AsyncClient, surface: str) -> bytes:
    """The request as bytes."""
    path, sent = SURFACES[surface]
    built = client.build_request("POST", path, **sent)
    built.read()
    lines = [f"POST {path} HTTP/1.1".encode(), *(name + b": " + value for name, value in built.headers.raw)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + built.content


async def connected(client: httpx.AsyncClient) -> socket.socket:
    """A connection whose system keeps as little as it can of what was sent and not read."""
    place = urlsplit(str(client.base_url))
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (place.hostname, place.port))
    return connection


async def trickle(connection: socket.socket, sent: bytes = b"") -> None:
    """Read, and send ``sent``, a byte at a time for as long as the server lets us."""
    loop = asyncio.get_running_loop()
    pieces = iter(sent)
    with suppress(ConnectionError):
        while True:
            if (byte := next(pieces, None)) is not None:
                await loop.sock_sendall(connection, bytes([byte]))
            else:
                await loop.sock_recv(connection, 1)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_client_that_reads_a_byte_at_a_time_does_not_keep_its_place(surface: str) -> None:
    async with bench() as at:
        with await connected(at.client) as connection:
            await asyncio.get_running_loop().sock_sendall(connection, request_of(at.client, surface))
            reading = asyncio.create_task(trickle(connection))
            await until(lambda: not at.at_rest())
            with_reader = msgspec.structs.replace(at, tasks=at.tasks + 1)
            await until(with_reader.at_rest)
            reading.cancel()
        assert (await at.client.post("/v1/audio/speech", json=SHORT)).status_code == 200


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_client_that_sends_a_byte_at_a_time_does_not_keep_its_place(surface: str) -> None:
    async with bench() as at:
        with await connected(at.client) as connection:
            head, mark, body = request_of(at.client, surface).partition(b"\r\n\r\n")
            await asyncio.get_running_loop().sock_sendall(connection, head + mark)
            sending = asyncio.create_task(trickle(connection, body))
            answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(connection, 4096), 20)
            sending.cancel()
        assert answer.startswith(b"HTTP/1.1 408 ")
        await until(at.at_rest)
        assert (await at.client.post("/v1/audio/speech", json=SHORT)).status_code == 200
