"""The benchmark runs; its times are nobody's promise here, but they must be times of what it says."""

from tests.bench import turn


def test_every_row_of_the_table_is_measured() -> None:
    rows = turn.measure(turn.QUICK)

    assert [row.speakers for row in rows] == list(turn.QUICK.turns)
    soonest = turn.QUICK.delays.first_audio * 1000 * 0.9
    for row in rows:
        # Audio that comes before the stages can have made it would be something else than audio.
        assert soonest < row.by_hand_p50 <= row.by_hand_p99
        assert soonest < row.gateway_p50 <= row.gateway_p99
        assert row.by_hand_cpu > 0
        assert row.gateway_cpu > 0
        assert row.cpu_ratio > 0
    lines = list(turn.table(turn.QUICK, rows))
    assert len({line.count("|") for line in lines[-4:]}) == 1
