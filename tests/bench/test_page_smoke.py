"""The measurement of the page still runs: its size, and a sound by curl and by click."""

import pytest

from tests.bench import page


def test_everything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    page.main(["--quick"])
    lines = capsys.readouterr().out.splitlines()
    assert {".html", ".js", ".css", "all"} <= {line.split(" | ")[0].strip("| ") for line in lines}
    assert [line.split(" | ")[0].strip("| ") for line in lines[-3:]] == ["curl", "arrived", "sounded"]
