"""The benchmark of recognition runs; its rates are nobody's promise here."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("faster_whisper", reason="needs faster-whisper")

from tests.bench import recognition
from tests.bench.recognition import QUICK


async def test_every_number_is_measured(real_model: Callable[[str], Path]) -> None:
    rows = await recognition.measure(QUICK, str(real_model("whisper-base")))
    assert [(row.seconds, row.callers) for row in rows] == [(2, 1), (2, 2)]
    assert all(min(row.engine, row.full_windows, row.by_hand) > 0 for row in rows)
    assert len({line.count("|") for line in recognition.table(rows)}) == 1
