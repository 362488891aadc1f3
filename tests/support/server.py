"""A real server on a loopback socket, in the test's own event loop, around engines that the test holds in its hand."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from litestar.types import ASGIApp

from adapters import scripted
from gateway.access.keys import Keyring
from gateway.app import SURFACES, create_app
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import Engines, ServedRoute
from gateway.http.surface import Surface
from gateway.server.server import GatewayServer
from gateway.settings.load import load
from gateway.settings.model import GatewaySettings, Route

QUESTION = Path(__file__).parents[1] / "data" / "question.wav"


def question() -> bytes:
    """A recording of somebody asking something."""
    return QUESTION.read_bytes()


def scripted_engines(**engines: Any) -> Engines:
    """Engines that answer "Hello there. How are you?" to anything, but for those that are given."""
    return Engines(
        **{
            "stt": scripted.recogniser("what did you say"),
            "llm": scripted.language_model(scripted.answering("Hello there. ", "How are you?")),
            "tts": scripted.synthesiser(),
            **engines,
        }
    )


def gateway_of(engines: Engines, *flags: str) -> Gateway:
    """A gateway with one route from ``flags``, served by ``engines``."""
    loaded = load(flags, {})
    return Gateway(loaded.settings, [ServedRoute(route=loaded.routes[0], engines=engines)])


def gateway_with_routes(engines: Engines, names: Sequence[tuple[str, tuple[str, ...]]], *flags: str) -> Gateway:
    """A gateway with a route for every name and its aliases, with the settings of ``flags``."""
    loaded = load(list(flags), {})
    routes = [
        ServedRoute(
            route=Route(name=name, aliases=aliases, settings=loaded.settings, origins=loaded.origins), engines=engines
        )
        for name, aliases in names
    ]
    return Gateway(loaded.settings, routes)


EMBEDDED = ("--stt=pocketsphinx", "--tts=espeak")
"""Flags for tests of something else: to try which installed engine is the best takes two seconds."""


@asynccontextmanager
async def served(
    gateway: Gateway, surfaces: Sequence[Surface] = SURFACES, keyring: Keyring | None = None
) -> AsyncGenerator[str, None]:
    """Serve ``gateway`` on a free port and give its address once it is ready."""
    async with serving(create_app(gateway, surfaces=surfaces, keyring=keyring), gateway.settings) as (address, server):
        await _ready(address)
        await until(lambda: not server.server_state.connections)
        yield address


@asynccontextmanager
async def serving(
    app: ASGIApp,
    settings: GatewaySettings,
    tls: ssl.SSLContext | None = None,
    stop: Callable[[], None] = lambda: None,
) -> AsyncGenerator[tuple[str, GatewayServer], None]:
    """Serve any application on a free port; its address, and the server, which ends with the block."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        server = GatewayServer(app, settings, tls, stop)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await until(lambda: server.started)
            yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}", server
        finally:
            server.should_exit = True
            await task


async def _ready(address: str) -> None:
    async with asyncio.timeout(30), httpx.AsyncClient() as client:
        while (await client.get(f"{address}/ready")).status_code != 200:
            await asyncio.sleep(0.01)


async def until(condition: Any) -> None:
    """Wait until ``condition()`` is true."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def events_in(body: str) -> Iterator[dict[str, Any]]:
    """The events of a body of server-sent events."""
    for line in body.split("\n"):
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
