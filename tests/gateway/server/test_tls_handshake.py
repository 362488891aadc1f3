"""Connections whose TLS handshake does not come: they are counted, give way, and end."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from gateway.app import create_app
from gateway.server import limits
from gateway.server.server import GatewayServer
from gateway.server.tls import tls_context
from tests.support.raw_client import RawConnection
from tests.support.server import gateway_of, scripted_engines, serving, until


@asynccontextmanager
async def encrypted(folder: Path, *flags: str) -> AsyncGenerator[tuple[str, GatewayServer, ssl.SSLContext], None]:
    """The address of a gateway that speaks HTTPS, its server, and what trusts it."""
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "pem")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    pem = str(folder / "pem")
    gateway = gateway_of(scripted_engines(), "--tls_certificate", pem, "--tls_key", pem, *flags)
    async with serving(create_app(gateway), gateway.settings, tls_context(gateway.settings)) as (address, server):
        yield address, server, trusting


async def healthy(address: str, trusting: ssl.SSLContext) -> bool:
    async with httpx.AsyncClient(verify=trusting, timeout=20) as client:
        return (await client.get(f"{address}/health")).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silence", "half a hello"])
async def test_a_handshake_that_does_not_come_ends_the_connection(
    sent: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_SECONDS", 0.2)
    async with encrypted(tmp_path) as (address, server, trusting):
        connection = await RawConnection.open(address, sent)
        await until(lambda: server.server_state.connections)
        await connection.closed()
        await until(lambda: not server.server_state.connections and not server.server_state.tasks)
        assert await healthy(address, trusting)


async def test_they_are_counted_and_give_way(tmp_path: Path) -> None:
    async with encrypted(tmp_path, "--max_connections", "3") as (address, server, trusting):
        silent = [await RawConnection.open(address) for _ in range(3)]
        await until(lambda: len(server.server_state.connections) == 3)
        assert await healthy(address, trusting), "the oldest has given way"
        await silent[0].closed()
        for connection in silent[1:]:
            await connection.close()


async def test_those_of_one_client_are_counted(tmp_path: Path) -> None:
    async with encrypted(tmp_path, "--max_connections_per_client", "2") as (address, server, trusting):
        silent = [await RawConnection.open(address) for _ in range(2)]
        await until(lambda: len(server.server_state.connections) == 2)
        with pytest.raises(httpx.TransportError):
            await healthy(address, trusting)
        await silent[0].close()
        await until(lambda: len(server.server_state.connections) == 1)
        assert await healthy(address, trusting)
        await silent[1].close()


async def test_what_comes_with_the_end_of_the_handshake_is_not_lost(tmp_path: Path) -> None:
    """Many at once, each with a new handshake, so that some requests arrive together with it."""
    async with encrypted(tmp_path) as (address, server, trusting):

        async def ask() -> Any:
            reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(address).port, ssl=trusting)
            writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            async with asyncio.timeout(20):
                answer = await reader.read()
            writer.close()
            return answer

        assert all(b" 200 OK" in answer for answer in await asyncio.gather(*(ask() for _ in range(50))))
        await until(lambda: not server.server_state.connections)


async def test_the_end_of_the_server_waits_for_no_handshake(tmp_path: Path) -> None:
    async with encrypted(tmp_path) as (address, server, _):
        connection = await RawConnection.open(address)
        await until(lambda: server.server_state.connections)
    await connection.closed()
