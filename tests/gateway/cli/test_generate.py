"""What is generated from the code is in the repository as the code has it now."""

from pathlib import Path

import pytest

from gateway.cli.generate import ROOT, generated


@pytest.mark.parametrize("path", generated(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_file_in_the_repository_is_fresh(path: Path) -> None:
    assert path.read_bytes() == generated()[path], "stale: run python -m gateway.cli.generate"
