"""Servers and ports of calls: what can be set, and which sockets are used."""

import socket

import pytest
from aioice.ice import Connection

from adapters.options import BadOption
from gateway.settings.load import load
from gateway.webrtc.ice import Network, network_of


def network(*flags: str) -> Network:
    return network_of(load(flags, {}).settings)


def test_nothing_is_asked_of_others_unless_it_is_set() -> None:
    assert network() == Network()
    assert network().configuration.iceServers == []


def test_servers_and_ports() -> None:
    made = network(
        "--webrtc_stun_server=stun:stun.example.org",
        "--webrtc_turn_server=turns:turn.example.org:443?transport=tcp",
        "--webrtc_turn_username=me",
        "--webrtc_turn_password=secret",
        "--webrtc_ports=50000-50010",
    )
    stun, turn = made.servers
    assert stun.urls == "stun:stun.example.org"
    assert (turn.username, turn.credential) == ("me", "secret")
    assert made.ports == range(50_000, 50_011)


@pytest.mark.parametrize(
    "flag",
    [
        "--webrtc_stun_server=https://stun.example.org",
        "--webrtc_stun_server=turn:turn.example.org",
        "--webrtc_turn_server=stun:stun.example.org",
        "--webrtc_ports=50000",
        "--webrtc_ports=50010-50000",
        "--webrtc_ports=80-90",
        "--webrtc_ports=50000-70000",
    ],
)
def test_what_cannot_be_is_refused(flag: str) -> None:
    name = flag.partition("=")[0]
    with pytest.raises(BadOption, match=name):
        network(flag)


async def test_ports_that_are_taken_are_passed_over() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        ports = range(port, port + 3)
        connection = Connection(ice_controlling=False)
        Network(ports=ports).bind(connection)
        try:
            found = await connection.get_component_candidates(1, ["127.0.0.1"])
            assert {candidate.port for candidate in found} < set(ports)
            assert {candidate.port for candidate in found}.isdisjoint({port})
        finally:
            await connection.close()


async def test_a_server_that_does_not_answer_costs_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.webrtc.ice.STUN_SECONDS", 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        connection = Connection(ice_controlling=False, stun_server=silent.getsockname())
        Network(ports=range(42_000, 42_010)).bind(connection)
        try:
            (candidate,) = await connection.get_component_candidates(1, ["127.0.0.1"])
            assert candidate.type == "host"
        finally:
            await connection.close()
