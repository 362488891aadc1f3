"""What calls get of a real TURN and STUN server, coturn: the addresses that the answer to an offer names."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aioice.ice
import pytest

from tests.support.call_client import CallClient, post_offer
from tests.support.redis_server import free_port
from tests.support.server import gateway_of, scripted_engines, served

pytestmark = pytest.mark.timeout(60)

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
