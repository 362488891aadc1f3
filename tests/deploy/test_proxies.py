"""nginx and Caddy with the files of ``deploy/``: streams come as they are sent, WebSockets pass, large bodies too."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
import websockets

from adapters import scripted
from adapters.contract import llm
from gateway.app import SURFACES, create_app
from tests.support import echo_surface
from tests.support.http_client import ROUTE, form
from tests.support.server import gateway_of, scripted_engines, serving, until

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = "speech.example.com"
GATEWAY = "127.0.0.1:8765"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, upstream: str, port: int) -> list[str]:
    command = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if command is None:
        pytest.skip("needs nginx")
    site = replaced(
        (DEPLOY / "nginx.conf").read_text(encoding="utf-8"),
        (f"server {GATEWAY}", f"server {upstream}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/nginx/tls/fullchain.pem", f"{folder}/chain.pem"),
        ("/etc/nginx/tls/privkey.pem", f"{folder}/key.pem"),
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    scratch = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;\n"
        f"events {{}}\nhttp {{ access_log off;\n{scratch}{site}}}\n",
        encoding="utf-8",
    )
    return [command, "-p", str(folder), "-e", f"{folder}/errors", "-c", f"{folder}/nginx.conf"]


def caddy(folder: Path, upstream: str, port: int) -> list[str]:
    command = shutil.which("caddy")
    if command is None:
        pytest.skip("needs caddy")
    site = replaced(
        (DEPLOY / "Caddyfile").read_text(encoding="utf-8"),
        (GATEWAY, upstream),
        (f"{NAME} {{", f"{NAME}:{port} {{\n\ttls {folder}/chain.pem {folder}/key.pem\n\tbind 127.0.0.1"),
    ).replace("--forwarded_allow_ips", "")
    options = "{\n\tadmin off\n\tauto_https off\n\tstorage file_system " + str(folder) + "\n}\n"
    (folder / "Caddyfile").write_text(options + site, encoding="utf-8")
    return [command, "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]


Proxy = Callable[[Path, str, int], list[str]]


@asynccontextmanager
async def proxied(proxy: Proxy, folder: Path, model: Any) -> AsyncGenerator[tuple[int, ssl.SSLContext], None]:
    """A gateway behind ``proxy``; the port of the proxy, and how to trust it."""
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(folder / "chain.pem", append=True)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    gateway = gateway_of(
        scripted_engines(llm=scripted.language_model(model)), "--allow_anonymous", NAME, *BEHIND_A_PROXY
    )
    port = free_port()
    async with serving(create_app(gateway, surfaces=(*SURFACES, echo_surface.surface)), gateway.settings) as (
        address,
        _,
    ):
        command = proxy(folder, address.removeprefix("http://"), port)
        process = await asyncio.create_subprocess_exec(
            *command, stderr=subprocess.DEVNULL, env={"HOME": str(folder), "PATH": "/usr/bin"}
        )
        try:
            await until(lambda: listens(port))
            yield port, trusting
        finally:
            process.terminate()
            await process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


BEHIND_A_PROXY: tuple[str, ...] = ()


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
    async with proxied(proxy, tmp_path, model) as (port, trusting), connected(port, trusting) as client:
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
        proxied(proxy, tmp_path, Paced()) as (port, trusting),
        websockets.connect(f"wss://{NAME}:{port}/v1/echo", ssl=trusting, host="127.0.0.1", proxy=None) as client,
    ):
        for said in ("one", "two", "three"):
            await client.send(said)
            assert await client.recv() == said


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])
async def test_a_large_recording_reaches_the_gateway(proxy: Proxy, tmp_path: Path) -> None:
    """Beyond the proxies' own limits (nginx: 1 MiB): the gateway answers, here that it is no audio."""
    async with proxied(proxy, tmp_path, Paced()) as (port, trusting), connected(port, trusting) as client:
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
