"""nginx and Caddy with the files of ``deploy/``: streams come as they are sent, WebSockets pass, large bodies too."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from adapters import scripted
from adapters.contract import llm
from gateway.app import SURFACES, create_app
from tests.support import echo_surface
from tests.support.http_client import ROUTE, form
from tests.support.proxies import NAME, Proxy, caddy, nginx, proxied
from tests.support.server import gateway_of, scripted_engines, serving


@asynccontextmanager
async def behind(proxy: Proxy, folder: Path, model: Any) -> AsyncGenerator[tuple[int, ssl.SSLContext], None]:
    """A gateway behind ``proxy``; the port of the proxy, and how to trust it."""
    engines = scripted_engines(llm=scripted.language_model(model))
    gateway = gateway_of(engines, "--allow_anonymous", NAME)
    app = create_app(gateway, surfaces=(*SURFACES, echo_surface.surface))
    async with serving(app, gateway.settings) as (address, _), proxied(proxy, folder, address) as port:
        yield port, ssl.create_default_context(cafile=str(folder / "authority.pem"))


class Paced:
    """A model that says its second sentence when it is told to."""

    def __init__(self) -> None:
        self.release = asyncio.Event()

    async def __call__(self, _request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="Here is the first sentence. ")
        await self.release.wait()
        yield llm.TextDelta(text="And the second.")
        yield llm.Finished(reason="stop", usage=None)


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])
async def test_a_turn_streams_through_it(proxy: Proxy, tmp_path: Path) -> None:
    model = Paced()
    async with behind(proxy, tmp_path, model) as (port, trusting), connected(port, trusting) as client:
        async with client.stream("POST", ROUTE, **form(fields={"stream_format": "sse"})) as answer:
            assert answer.status_code == 200
            heard = ""
            async for text in answer.aiter_text():
                heard += text
                if "first sentence" in heard:
                    model.release.set()  # a proxy that buffered would wait for ever
        assert "And the second." in heard


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])
async def test_a_websocket_passes_it(proxy: Proxy, tmp_path: Path) -> None:
    async with (
        behind(proxy, tmp_path, Paced()) as (port, trusting),
        websockets.connect(f"wss://{NAME}:{port}/v1/echo", ssl=trusting, host="127.0.0.1", proxy=None) as client,
    ):
        for said in ("one", "two", "three"):
            await client.send(said)
            assert await client.recv() == said


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])
async def test_a_large_recording_reaches_the_gateway(proxy: Proxy, tmp_path: Path) -> None:
    """Beyond the proxies' own limits (nginx: 1 MiB): the gateway answers, here that it is no audio."""
    async with behind(proxy, tmp_path, Paced()) as (port, trusting), connected(port, trusting) as client:
        answer = await client.post(ROUTE, content=bytes(20_000_000), headers={"content-type": "audio/wav"})
        assert answer.status_code == 400
        assert answer.headers["x-request-id"].startswith("req_")


@asynccontextmanager
async def connected(port: int, trusting: ssl.SSLContext) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of the proxy's name, which is at this machine."""
    async with httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{port}",
        verify=trusting,
        headers={"host": f"{NAME}:{port}"},
        timeout=20,
    ) as client:
        client.event_hooks["request"] = [name_server]
        yield client


async def name_server(request: httpx.Request) -> None:
    """Ask for the proxy's name in the TLS handshake."""
    request.extensions["sni_hostname"] = NAME
