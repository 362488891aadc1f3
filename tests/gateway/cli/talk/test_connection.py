"""Where ``talk`` connects to, and the one line about a server that cannot be talked to."""

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from gateway.cli.answer_file import NoAnswer
from gateway.cli.talk.connection import connected, realtime_address
from gateway.settings.model import SettingsError


@pytest.mark.parametrize(
    ("url", "model", "address"),
    [
        ("http://127.0.0.1:8765/v1", None, "ws://127.0.0.1:8765/v1/realtime"),
        ("http://127.0.0.1:8765", None, "ws://127.0.0.1:8765/v1/realtime"),
        ("https://speech.example.com/v1/", "fast", "wss://speech.example.com/v1/realtime?model=fast"),
        ("wss://api.openai.com/v1/realtime", "gpt-realtime", "wss://api.openai.com/v1/realtime?model=gpt-realtime"),
        ("ws://host/v1/realtime?conversation=conv_1", "m", "ws://host/v1/realtime?conversation=conv_1&model=m"),
    ],
)
def test_the_address_of_the_realtime_route(url: str, model: str | None, address: str) -> None:
    assert realtime_address(url, model) == address


@pytest.mark.parametrize("url", ["", "gateway", "ftp://host/v1", "http://", "http://host:99999"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="--url takes an address"):
        realtime_address(url, None)


@asynccontextmanager
async def server(
    handler: Callable[[ServerConnection], object], status: HTTPStatus | None = None, body: str = ""
) -> AsyncGenerator[str, None]:
    def refuse(connection: ServerConnection, _request: Request) -> Response | None:
        return None if status is None else connection.respond(status, body)

    async def handle(connection: ServerConnection) -> None:
        result = handler(connection)
        if hasattr(result, "__await__"):
            await result

    async with serve(handle, "127.0.0.1", 0, process_request=refuse) as running:
        yield f"ws://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}/v1/realtime"


async def complaint(address: str) -> str:
    with pytest.raises(NoAnswer) as caught:
        async with connected(address, "sk-secret") as connection:
            await connection.recv()
    assert "sk-secret" not in str(caught.value)
    return str(caught.value)


async def test_the_key_is_shown_in_the_header() -> None:
    seen = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers["Authorization"])
        await connection.send("{}")

    async with server(handler) as address, connected(address, "sk-secret") as connection:
        await connection.recv()
    assert seen == ["Bearer sk-secret"]


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"ws://127.0.0.1:{unused.getsockname()[1]}/v1/realtime"
        assert "start one with 'speech-to-speech'" in await complaint(address)


async def test_a_refusal_is_told_in_the_words_of_the_server() -> None:
    body = '{"error": {"message": "Incorrect API key provided."}}'
    async with server(lambda _: None, HTTPStatus.UNAUTHORIZED, body) as address:
        assert await complaint(address) == "Incorrect API key provided."


async def test_a_server_without_the_route() -> None:
    async with server(lambda _: None, HTTPStatus.NOT_FOUND, "<html>") as address:
        assert "answers 404; is that a gateway?" in await complaint(address)


async def test_a_server_that_closes_says_why() -> None:
    async with server(lambda connection: connection.close(1013, "Too many sessions.")) as address:
        assert "ended the conversation: Too many sessions." in await complaint(address)


async def test_a_connection_that_breaks_off() -> None:
    async with server(lambda connection: connection.transport.abort()) as address:
        assert "broke off" in await complaint(address)
