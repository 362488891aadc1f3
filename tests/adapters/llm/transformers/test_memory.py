"""The cache takes a bounded share of what memory there is, in a container too."""

from pathlib import Path

import pytest

memory = pytest.importorskip("adapters.llm.transformers.memory", reason="needs torch and psutil")


def test_a_container_has_no_more_than_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path)
    host = memory.available()
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("4000\n")
    (tmp_path / "memory.stat").write_text("anon 1000\nactive_file 700\ninactive_file 300\n")
    assert memory.available() == 2000  # files that were read give way
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() > min(host, 1_000_000)
