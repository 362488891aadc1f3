"""The overload benchmark runs: turns are refused at their start, and none that was admitted breaks off."""

from tests.bench import overload


def test_under_overload_turns_are_refused_at_their_start_or_end_well() -> None:
    (row,) = overload.main(overload.QUICK)
    assert row.offered == 30
    assert 0 < row.refused < row.offered
    assert row.broken == 0
    # Half: the clock of a loop that is kept from running stands still meanwhile.
    assert (overload.HEARING + overload.WRITING + overload.SPEAKING) * 1000 / 2 < row.p50 <= row.p95
    assert len({line.count("|") for line in overload.table([row])}) == 1
