"""The cache takes a bounded share of what memory there is, in a container too."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs torch")
memory = pytest.importorskip("adapters.llm.transformers.memory", reason="needs torch and psutil")

CPU = torch.device("cpu")


def test_a_container_has_no_more_than_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path)
    host = memory.available(CPU)
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("4000\n")
    (tmp_path / "memory.stat").write_text("anon 1000\nactive_file 700\ninactive_file 300\n")
    assert memory.available(CPU) == 2000  # files that were read give way
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available(CPU) > min(host, 1_000_000)


def test_a_device_has_memory_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (device.index, 80_000_000_000))
    assert memory.available(torch.device("cuda:7")) == 7
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 10)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 4)
    assert memory.available(torch.device("mps")) == 6
