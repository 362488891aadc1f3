"""The benchmark of hearing runs: sessions are told of turns, and what it measures is measured."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import listening
from tests.models import real


@pytest.mark.parametrize("name", ["energy", "silero"])
async def test_hearing(name: str, monkeypatch: pytest.MonkeyPatch, real_model: Callable[[str], Path]) -> None:
    if name == "silero":
        monkeypatch.setattr(real, "fetch", real_model)
    row = await listening.measure(name, 2, 5.0)
    assert (row.engine, row.sessions) == (name, 2)
    assert row.turns >= 1
    assert min(row.taking, row.hearing, row.late_p50) > 0
