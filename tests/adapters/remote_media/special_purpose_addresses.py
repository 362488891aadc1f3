"""IANA's registries of special-purpose addresses, and the other blocks from which nothing public can be fetched."""

from typing import NamedTuple


class Block(NamedTuple):
    """A row of a registry; ``reachable``, as it says, from everywhere: ``None`` where it does not say."""

    network: str
    name: str
    reachable: bool | None


IPV4 = (
    Block("0.0.0.0/8", "This network", False),
    Block("0.0.0.0/32", "This host on this network", False),
    Block("10.0.0.0/8", "Private-Use", False),
    Block("100.64.0.0/10", "Shared Address Space", False),
    Block("127.0.0.0/8", "Loopback", False),
    Block("169.254.0.0/16", "Link Local", False),
    Block("172.16.0.0/12", "Private-Use", False),
    Block("192.0.0.0/24", "IETF Protocol Assignments", False),
    Block("192.0.0.0/29", "IPv4 Service Continuity Prefix", False),
    Block("192.0.0.8/32", "IPv4 dummy address", False),
    Block("192.0.0.9/32", "Port Control Protocol Anycast", True),
    Block("192.0.0.10/32", "Traversal Using Relays around NAT Anycast", True),
    Block("192.0.0.170/32", "NAT64/DNS64 Discovery", False),
    Block("192.0.0.171/32", "NAT64/DNS64 Discovery", False),
    Block("192.0.2.0/24", "Documentation (TEST-NET-1)", False),
    Block("192.31.196.0/24", "AS112-v4", True),
    Block("192.52.193.0/24", "AMT", True),
    Block("192.88.99.0/24", "Deprecated (6to4 Relay Anycast)", None),
    Block("192.88.99.2/32", "6a44-relay anycast address", False),
    Block("192.168.0.0/16", "Private-Use", False),
    Block("192.175.48.0/24", "Direct Delegation AS112 Service", True),
    Block("198.18.0.0/15", "Benchmarking", False),
    Block("198.51.100.0/24", "Documentation (TEST-NET-2)", False),
    Block("203.0.113.0/24", "Documentation (TEST-NET-3)", False),
    Block("240.0.0.0/4", "Reserved", False),
    Block("255.255.255.255/32", "Limited Broadcast", False),
)

IPV6 = (
    Block("::1/128", "Loopback Address", False),
    Block("::/128", "Unspecified Address", False),
    Block("::ffff:0:0/96", "IPv4-mapped Address", False),
    Block("64:ff9b::/96", "IPv4-IPv6 Translation", True),
    Block("64:ff9b:1::/48", "IPv4-IPv6 Translation, local use", False),
    Block("100::/64", "Discard-Only Address Block", False),
    Block("100:0:0:1::/64", "Dummy IPv6 Prefix", False),
    Block("2001::/23", "IETF Protocol Assignments", False),
    Block("2001::/32", "TEREDO", None),
    Block("2001:1::1/128", "Port Control Protocol Anycast", True),
    Block("2001:1::2/128", "Traversal Using Relays around NAT Anycast", True),
    Block("2001:1::3/128", "DNS-SD Service Registration Protocol Anycast", True),
    Block("2001:2::/48", "Benchmarking", False),
    Block("2001:3::/32", "AMT", True),
    Block("2001:4:112::/48", "AS112-v6", True),
    Block("2001:10::/28", "Deprecated (previously ORCHID)", None),
    Block("2001:20::/28", "ORCHIDv2", True),
    Block("2001:30::/28", "Drone Remote ID Protocol Entity Tags", True),
    Block("2001:db8::/32", "Documentation", False),
    Block("2002::/16", "6to4", None),
    Block("2620:4f:8000::/48", "Direct Delegation AS112 Service", True),
    Block("3fff::/20", "Documentation", False),
    Block("5f00::/16", "Segment Routing (SRv6) SIDs", False),
    Block("fc00::/7", "Unique-Local", False),
    Block("fe80::/10", "Link-Local Unicast", False),
)

OTHERS = (
    Block("224.0.0.0/4", "Multicast", False),
    Block("ff00::/8", "Multicast", False),
    Block("fec0::/10", "Deprecated (site-local)", False),
    Block("::/96", "Deprecated (IPv4-compatible)", False),
    Block("::ffff:0:0:0/96", "IPv4-translated", False),
    Block("4000::/3", "Unassigned", False),
    Block("8000::/1", "Unassigned, and what is not global unicast", False),
)
