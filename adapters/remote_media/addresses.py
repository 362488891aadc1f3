"""Which network addresses are on the public internet, and how the addresses of a host are found."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import msgspec

from adapters.blocking import WaitingThreads

Address = IPv4Address | IPv6Address

# The last 32 bits are an IPv4 address, which is what is reached: mapped addresses, and those that NAT64 translates.
_WITH_IPV4 = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))

# Networks of IANA's registries of special-purpose addresses, in use or deprecated, that at least one supported version
# of Python takes for global: protocol assignments, 6to4 and its relays, documentation, site-local addresses.
_SPECIAL = tuple(
    map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20", "fec0::/10"))
)


def is_public(address: Address) -> bool:
    """Whether ``address`` is on the public internet; the IPv4 address that an IPv6 address stands for is judged."""
    if any(address in network for network in _WITH_IPV4):
        return is_public(IPv4Address(int(address) % 2**32))
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


_LOOKUPS = WaitingThreads(8, "look-ups for clients")
"""The loop's own threads resolve the hosts of the operator: clients that name slow ones must not take them all."""


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of ``host``. Raises ``OSError``."""
    found = await _LOOKUPS.call(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """How hosts are found, and which addresses are those of the public internet."""

    resolve: Callable[[str, int], Awaitable[Sequence[Address]]] = resolve
    is_public: Callable[[Address], bool] = is_public


INTERNET = Network()
