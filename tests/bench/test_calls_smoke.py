"""Sessions of both kinds are measured while they listen and speak."""

import aioice.ice
import pytest

from tests.bench import calls


async def test_both_ways_have_their_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    head, _, *rows = await calls.table(sessions=2, seconds=1.0)
    assert [row.split(" | ")[0] for row in rows] == ["| WebSocket", "| WebRTC"]
    assert {row.count("|") for row in rows} == {head.count("|")}
    assert all(float(cell) > 0 for row in rows for cell in row.strip("| ").split(" | ")[2:])
