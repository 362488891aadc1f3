"""The benchmark of observers runs, and what it measures is there."""

from tests.bench.observers import share


def test_both_are_measured() -> None:
    metrics, turn = share(turns=3, reports=10)
    assert metrics > 0
    assert turn > 0
