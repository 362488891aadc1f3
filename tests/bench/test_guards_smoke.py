"""The benchmark of guards runs, and what it measures is the time of the guard."""

from tests.bench.guards import Plan, measure, table


async def test_both_are_measured() -> None:
    plan = Plan(turns=1, delays=(1.0,), word=0.0, speaking=0.0)
    rows = await measure(plan)
    assert rows[0].guarded_first >= 1000, "the first clause waits for its guard"
    assert rows[0].bare_first > 0
    assert len({line.count("|") for line in table(rows)}) == 1
