"""How calls reach through networks: STUN and TURN servers, and the UDP ports that are used."""

import asyncio
import random
import re
from typing import Any

import msgspec
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol, server_reflexive_candidate
from aiortc import RTCConfiguration, RTCIceServer
from aiortc.rtcicetransport import parse_stun_turn_uri

from adapters.options import BadOption, shown_url
from gateway.settings.server import ServerSettings

STUN_SECONDS = 3.0
"""How long a STUN server may take; without its answer a call has one candidate less."""


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """The servers and the UDP ports of all calls; without ``ports`` any free one is taken."""

    servers: tuple[RTCIceServer, ...] = ()
    ports: range | None = None

    @property
    def configuration(self) -> RTCConfiguration:
        """What a connection is made with."""
        return RTCConfiguration(iceServers=list(self.servers))

    def bind(self, connection: Connection) -> None:
        """Have ``connection``, which has gathered nothing yet, take its ports from the range."""
        if self.ports is None:
            return
        gather, ports = connection.get_component_candidates, self.ports

        async def candidates(component: int, addresses: list[str]) -> list[Candidate]:
            hosts = [host for address in addresses if (host := await _host(connection, component, address, ports))]
            connection._protocols += hosts
            found = [host.local_candidate for host in hosts]
            for host in hosts:
                if connection.stun_server and (public := await _public(host, connection.stun_server)):
                    found.append(public)
            return [*found, *await gather(component, [])]

        connection.get_component_candidates = candidates


def network_of(settings: ServerSettings) -> Network:
    """The network that is set. Raises ``BadOption`` for servers and ranges that cannot be."""
    servers = []
    if settings.webrtc_stun_server is not None:
        servers.append(RTCIceServer(urls=_server("webrtc_stun_server", settings.webrtc_stun_server, ("stun",))))
    if settings.webrtc_turn_server is not None:
        password = settings.webrtc_turn_password
        servers.append(
            RTCIceServer(
                urls=_server("webrtc_turn_server", settings.webrtc_turn_server, ("turn", "turns")),
                username=settings.webrtc_turn_username,
                credential=None if password is None else password.reveal(),
            )
        )
    return Network(servers=tuple(servers), ports=_ports(settings.webrtc_ports))


def _server(name: str, url: str, schemes: tuple[str, ...]) -> str:
    try:
        parsed: dict[str, Any] = parse_stun_turn_uri(url)
    except ValueError:
        parsed = {}
    if parsed.get("scheme") not in schemes:
        raise BadOption(f"--{name} {shown_url(url)!r} is not a server like '{schemes[0]}:example.org:3478'.")
    return url


def _ports(text: str | None) -> range | None:
    if text is None:
        return None
    matched = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text)
    low, high = (int(matched[1]), int(matched[2])) if matched else (0, 0)
    if not 1024 <= low <= high <= 65535:
        raise BadOption(f"--webrtc_ports {text!r} is not a range of UDP ports like '50000-50199'.")
    return range(low, high + 1)


async def _host(connection: Connection, component: int, address: str, ports: range) -> StunProtocol | None:
    """A socket on a free port of the range; ``None`` where all are taken or the address cannot be used."""
    loop = asyncio.get_running_loop()
    first = random.randrange(len(ports))
    for number in range(len(ports)):
        port = ports[(first + number) % len(ports)]
        try:
            _, protocol = await loop.create_datagram_endpoint(
                lambda: StunProtocol(connection), local_addr=(address, port)
            )
        except OSError:
            continue
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", address),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=address,
            port=port,
            type="host",
        )
        return protocol
    return None


async def _public(host: StunProtocol, server: tuple[str, int]) -> Candidate | None:
    """The address under which others see a socket, as a STUN server says."""
    if ":" in host.local_candidate.host:
        return None
    try:
        async with asyncio.timeout(STUN_SECONDS):
            candidate, _ = await server_reflexive_candidate(host, server)
    except Exception:  # noqa: BLE001 - whatever it is, the call can do without
        return None
    return candidate
