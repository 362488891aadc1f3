"""The realtime benchmark runs; its times are nobody's promise here, but they must be times of what it says."""

import math
import sys

import msgspec
import pytest

from tests.bench import realtime

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(300),
]


def test_every_row_of_the_table_is_measured() -> None:
    plan = realtime.QUICK
    figures = realtime.measure(plan)

    assert [(row.ahead, row.sessions) for row in figures.rows] == [("off", 2), ("tts", 2)]
    plain, ahead = figures.rows
    for row in (plain, ahead):
        assert row.turns >= 1
        assert row.closed == 0
        assert row.cpu > 0
        assert not math.isnan(row.beyond_p99)
    # The end of a turn is a pause of 500 ms, and without work ahead the stages come after it.
    assert plain.voiced_p50 > 500 + plan.stages.all * 1000 * 0.9
    assert ahead.voiced_p50 > 500 * 0.9
    lines = list(realtime.table(plan, figures))
    assert len({line.count("|") for line in lines[2:6]}) == 1


def test_the_knee_is_where_the_p99_has_risen() -> None:
    row = realtime.Row(
        ahead="off",
        sessions=1,
        turns=9,
        unanswered=0,
        closed=0,
        voiced_p50=0,
        beyond_p50=0,
        beyond_p99=10,
        told_p50=0,
        told_p99=0,
        at_once=0,
        cpu=1,
        bare_cpu=1,
        late=0,
    )
    slow = msgspec.structs.replace(row, sessions=200, beyond_p99=111)
    assert realtime.knee([row, msgspec.structs.replace(row, sessions=50), slow]) == "at 200 sessions"
    assert realtime.knee([row, msgspec.structs.replace(slow, beyond_p99=109)]) == "past 200 sessions"
    assert realtime.knee([row, msgspec.structs.replace(slow, beyond_p99=math.nan)]) == "at 200 sessions"
