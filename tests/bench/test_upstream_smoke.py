"""The upstream benchmark runs; its times are nobody's promise here, but they must be times of what it says."""

from tests.bench import upstream_load


def test_every_row_of_the_table_is_measured() -> None:
    plan = upstream_load.QUICK
    rows = upstream_load.measure(plan, ["chat-completions", "openai SDK"])

    assert [row.streams for row in rows] == [streams for streams in plan.streams for _ in range(3)]
    for row in rows:
        # Half: the clock of a loop that is kept from running stands still meanwhile.
        assert plan.first * 1000 / 2 < row.first_p50 <= row.first_p99
        assert row.way == "direct" or (row.cpu_seconds or 0) > 0
    lines = list(upstream_load.table(plan, rows))
    assert len({line.count("|") for line in lines[2:]}) == 1
