import asyncio
import socket
import threading
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from adapters.remote_media import RemoteMedia, media
from adapters.remote_media.addresses import is_public
from tests.adapters.remote_media.special_purpose_addresses import IPV4, IPV6, OTHERS, Block

MAPPED = "::ffff:0:0/96"  # such an address is reached over IPv4, and judged by that


@pytest.mark.parametrize(
    "block",
    [block for block in (*IPV4, *IPV6, *OTHERS) if not block.reachable and block.network != MAPPED],
    ids=lambda block: block.network,
)
def test_special_addresses_are_not_public(block: Block) -> None:
    network = ip_network(block.network)
    size = network.num_addresses
    for at in {0, 1, size // 3, size // 2, size - 2, size - 1}:
        if 0 <= at < size:
            assert not is_public(network[at]), network[at]


@pytest.mark.parametrize(
    "network", ["192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "2620:4f:8000::/48", "8.8.8.0/24", "2600::/12"]
)
def test_global_addresses_are_public(network: str) -> None:
    assert is_public(ip_network(network)[0])
    assert is_public(ip_network(network)[-1])


@pytest.mark.parametrize("written", ["::ffff:{}", "64:ff9b::{}"])
def test_an_address_that_stands_for_one_of_ipv4_is_judged_by_that(written: str) -> None:
    for private in (block for block in (*IPV4, *OTHERS) if not block.reachable and "." in block.network):
        assert not is_public(ip_address(written.format(private.network.partition("/")[0]))), private
    assert is_public(ip_address(written.format("8.8.8.8")))


@pytest.mark.parametrize("written", ["::{}", "::ffff:0:{}", "2002:{hex}::1", "2001:0:{hex}::1", "64:ff9b:1::{}"])
def test_other_addresses_with_one_of_ipv4_are_never_public(written: str) -> None:
    for inside in ("127.0.0.1", "10.0.0.1", "8.8.8.8"):
        number = int(ip_address(inside))
        assert not is_public(ip_address(written.format(inside, hex=f"{number >> 16:x}:{number & 0xFFFF:x}")))


async def test_slow_names_of_clients_hold_up_no_other_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "SECONDS", 0.3)
    gate, resolved = threading.Event(), socket.getaddrinfo

    def slow(host: Any, *arguments: Any, **keywords: Any) -> Any:
        if str(host).startswith("slow"):
            gate.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolved(host, *arguments, **keywords)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    fetching = RemoteMedia(("public",))
    urls = [f"http://slow{number}.example/cat.png" for number in range(60)]
    asked = [asyncio.create_task(fetching.images([llm.Image(url=url)])) for url in urls]
    try:
        await asyncio.sleep(0.05)
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().getaddrinfo("localhost", 80)
            for failure in await asyncio.gather(*asked, return_exceptions=True):
                assert isinstance(failure, InvalidRequest)
    finally:
        gate.set()
