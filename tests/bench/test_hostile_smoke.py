"""The benchmark of hostile clients runs: an attack meets a gateway, and what it costs is seen."""

import sys

import pytest

from tests.bench import hostile
from tests.bench.processes import ROOT


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_an_attack_is_watched() -> None:
    with hostile.gateway(ROOT) as (pid, port):
        cost = hostile.Watch(pid, port).cost_of("a URL of 60 MB")
    assert cost.left <= cost.peak
    assert cost.stall > 0
    assert set(hostile.ATTACKS) >= {"a URL of 60 MB", "10 forms of 26 MB"}
