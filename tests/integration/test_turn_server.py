"""Calls through a real TURN and STUN server, coturn: the addresses that answers name, and sound by the relay alone."""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aioice.ice
import httpx
import numpy as np
import pytest

from tests.support.call_client import CallClient, post_offer
from tests.support.realtime_client import silence, spoken_question
from tests.support.redis_server import free_port
from tests.support.server import gateway_of, scripted_engines, served

pytestmark = pytest.mark.timeout(120)

USER, PASSWORD = "gateway", "secret-of-the-relay"


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides use loopback alone, which the library leaves out."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


@asynccontextmanager
async def turn_server(folder: Path) -> AsyncGenerator[int, None]:
    """The port of a server on loopback that relays for ``USER``, also to loopback."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("needs coturn")
    port = free_port()
    flags = f"-n --no-cli --no-tls --no-dtls --listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --listening-port={port}"
    flags += f" --allow-loopback-peers --lt-cred-mech --realm=speech --user={USER}:{PASSWORD}"
    files = (f"--log-file={folder / 'log'}", f"--pidfile={folder / 'pid'}", f"--userdb={folder / 'users'}")
    process = await asyncio.create_subprocess_exec(program, *flags.split(), *files, stdout=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(20):
            while not await _answers(port):
                await asyncio.sleep(0.1)
        yield port
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _answers(port: int) -> bool:
    """Whether the server takes connections; it listens on TCP and UDP at once."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def ports_of(answer: str, kind: str) -> set[int]:
    """The ports of an answer's candidates of one kind."""
    return {int(port) for port in re.findall(rf"a=candidate:\S+ \d+ udp \d+ \S+ (\d+) typ {kind}", answer)}


@pytest.mark.parametrize("ports", [(), ("--webrtc_ports", "43000-43009")], ids=["any port", "a range of ports"])
async def test_a_call_is_offered_through_a_relay(ports: tuple[str, ...], tmp_path: Path) -> None:
    async with turn_server(tmp_path) as port:
        flags = ("--webrtc_turn_server", f"turn:127.0.0.1:{port}", "--webrtc_turn_username", USER)
        gateway = gateway_of(scripted_engines(), *flags, "--webrtc_turn_password", PASSWORD, *ports)
        async with served(gateway) as address:
            answer = (await post_offer(address, await CallClient.made_offer())).text
        assert len(ports_of(answer, "relay")) == 1


async def test_a_relay_that_refuses_costs_a_candidate(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as port:
        flags = ("--webrtc_turn_server", f"turn:127.0.0.1:{port}", "--webrtc_turn_username", USER)
        gateway = gateway_of(scripted_engines(), *flags, "--webrtc_turn_password", "wrong")
        async with served(gateway) as address:
            answer = (await post_offer(address, await CallClient.made_offer())).text
        assert ports_of(answer, "host")
        assert not ports_of(answer, "relay")


@pytest.mark.parametrize("ports", [(), ("--webrtc_ports", "43000-43009")], ids=["any port", "a range of ports"])
async def test_the_public_address_is_asked_for(ports: tuple[str, ...], tmp_path: Path) -> None:
    async with turn_server(tmp_path) as port:
        gateway = gateway_of(scripted_engines(), "--webrtc_stun_server", f"stun:127.0.0.1:{port}", *ports)
        async with served(gateway) as address:
            answer = (await post_offer(address, await CallClient.made_offer())).text
        assert ports_of(answer, "srflx") == ports_of(answer, "host")


@asynccontextmanager
async def gateway_process(*flags: str) -> AsyncGenerator[str, None]:
    """The address of a gateway in a process of its own: what the client here does to its sockets is not done to it."""
    port = free_port()
    engines = ("--stt", "pocketsphinx", "--vad", "energy", "--tts", "espeak")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "--port", str(port), *engines, *flags),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(40), httpx.AsyncClient() as client:
            while not await _is_ready(client, address):
                await asyncio.sleep(0.1)
        yield address
    finally:
        process.terminate()
        await process.wait()


async def _is_ready(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(f"{address}/ready")).status_code == 200
    except httpx.TransportError:
        return False


def only_through(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's sockets reach nothing but ``port``, and nothing else reaches them, as behind a strict firewall."""
    protocol = aioice.ice.StunProtocol
    received, sent, sent_data = protocol.datagram_received, protocol.send_stun, protocol.send_data

    def datagram_received(self: Any, data: bytes, address: tuple[str, int]) -> None:
        if address[1] == port:
            received(self, data, address)

    def send_stun(self: Any, message: Any, address: tuple[str, int]) -> None:
        if address[1] == port:
            sent(self, message, address)

    async def send_data(self: Any, data: bytes, address: tuple[str, int]) -> None:
        if address[1] == port:
            await sent_data(self, data, address)

    for function in (datagram_received, send_stun, send_data):
        monkeypatch.setattr(protocol, function.__name__, function)


@pytest.mark.parametrize("ports", [(), ("--webrtc_ports", "43000-43009")], ids=["any port", "a range of ports"])
async def test_a_turn_is_spoken_through_the_relay_alone(
    ports: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with turn_server(tmp_path) as port:
        flags = ("--webrtc_turn_server", f"turn:127.0.0.1:{port}", "--webrtc_turn_username", USER)
        async with gateway_process(*flags, "--webrtc_turn_password", PASSWORD, *ports) as address:
            client = CallClient()
            try:
                answer = (await post_offer(address, await client.offer())).text
                (relay,) = ports_of(answer, "relay")
                only_through(relay, monkeypatch)
                await client.accept(answer)
                client.voice.say(spoken_question() + silence(1.0))
                assert (await client.until("response.done"))["response"]["status"] == "completed"
                await client.until("output_audio_buffer.stopped")
                assert np.abs(client.audio()).max() > 3_000
            finally:
                await client.close()
