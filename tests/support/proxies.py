"""nginx and Caddy with the files of ``deploy/`` in front of a gateway, with a certificate made for the test."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from tests.support.server import until

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
async def proxied(proxy: Proxy, folder: Path, address: str, *names: str) -> AsyncGenerator[int, None]:
    """Run ``proxy`` in front of the gateway at ``address``; its port. ``authority.pem`` in ``folder`` is its issuer."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate = authority.issue_cert(NAME, *names)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(folder / "chain.pem", append=True)
    port = free_port()
    command = proxy(folder, address.removeprefix("http://"), port)
    process = await asyncio.create_subprocess_exec(
        *command, stderr=subprocess.DEVNULL, env={"HOME": str(folder), "PATH": "/usr/bin"}
    )
    try:
        await until(lambda: listens(port))
        yield port
    finally:
        process.terminate()
        await process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
