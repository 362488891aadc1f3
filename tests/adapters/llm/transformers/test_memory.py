"""The cache takes a bounded share of what memory there is, in a container too."""

from pathlib import Path

import pytest

from tests.models.training_data import CAPITAL, answer_to
from tests.support.answers import answer, request, text_of
from tests.support.transformers_engine import loaded

memory = pytest.importorskip("adapters.llm.transformers.memory", reason="needs torch and psutil")
TOKEN = 2 * 2 * 2 * 16 * 4  # bytes of the tiny Qwen3: keys and values, layers, heads, numbers of a head, float32


def test_a_container_has_no_more_than_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path)
    host = memory.available()
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("4000\n")
    (tmp_path / "memory.stat").write_text("anon 1000\nactive_file 700\ninactive_file 300\n")
    assert memory.available() == 2000  # files that were read give way
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() > min(host, 1_000_000)


@pytest.mark.parametrize(("free", "parallel", "room"), [(2 * 4096 * TOKEN, 8, 4096), (4096 * TOKEN, 1, 4096)])
async def test_half_of_what_is_free_is_taken_and_less_than_a_conversation_is_none(
    tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch, free: int, parallel: int, room: int
) -> None:
    monkeypatch.setattr(memory, "available", lambda: free)
    async with loaded(tiny_qwen) as engine:
        assert engine.info.max_parallel == parallel
        assert engine.info.context_tokens == room
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
