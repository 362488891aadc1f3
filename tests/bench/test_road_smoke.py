"""The straight road's benchmark runs; its times are nobody's promise here, but they must be times of what it says."""

import sys

import pytest

from tests.bench import road
from tests.bench.nginx import COMMAND

pytestmark = [
    pytest.mark.skipif(COMMAND is None, reason="needs nginx"),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]


def test_every_row_of_the_table_is_measured() -> None:
    plan = road.QUICK
    figures = road.measure(plan)

    assert [(row.streams, row.way) for row in figures.rows] == [
        (streams, way) for streams in plan.streams for way in ("direct", "nginx", "relay", "gateway")
    ]
    for row in figures.rows:
        # Half: the clock of a loop that is kept from running stands still meanwhile.
        assert plan.first * 1000 / 2 < row.first_p50 <= row.first_p99
    assert set(figures.memory) == {"nginx", "relay", "gateway"}
    lines = list(road.table(plan, figures))
    assert len({line.count("|") for line in lines[2:]}) == 1
