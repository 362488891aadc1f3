"""Workers ask each other over real sockets: one that is gone is told apart from one that does not answer."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from adapters.contract.errors import Unavailable
from gateway import siblings
from gateway.siblings import ALONE, Siblings


def worker(folder: Path, number: int) -> Siblings:
    return Siblings(folder, number, 3)


def told_of(number: int, about: str) -> bytes:
    return f"state of {number} {about}".encode() * 50_000


async def test_each_asks_the_others(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        for number in range(3):
            state = partial(told_of, number)
            await stack.enter_async_context(worker(tmp_path, number).answering({"state": state, "metrics": str.encode}))
        told = await worker(tmp_path, 1).ask("state", "now")
        assert told == [f"state of {number} now".encode() * 50_000 for number in (0, 2)]
        assert await worker(tmp_path, 1).ask("metrics") == [b"", b""]


async def test_one_that_is_gone_is_missing_until_it_is_replaced(tmp_path: Path) -> None:
    async with worker(tmp_path, 0).answering({"state": lambda _: b"ready"}):
        assert await worker(tmp_path, 1).ask("state") == [b"ready", None]
    assert await worker(tmp_path, 1).ask("state") == [None, None]
    (tmp_path / "0.sock").touch()  # left behind by a worker that was killed
    assert await worker(tmp_path, 1).ask("state") == [None, None]
    async with worker(tmp_path, 0).answering({"state": lambda _: b"ready"}):
        assert await worker(tmp_path, 1).ask("state") == [b"ready", None]


async def test_one_that_hangs_is_no_missing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siblings, "ANSWER_SECONDS", 0.05)
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_unix_server(lambda _, writer: held.append(writer), tmp_path / "0.sock")
    try:
        with pytest.raises(Unavailable, match="Worker 0 does not answer"):
            await worker(tmp_path, 1).ask("state")
    finally:
        for writer in held:
            writer.close()
        server.close()


async def test_an_answer_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siblings, "MOST_BYTES", 1000)
    async with worker(tmp_path, 0).answering({"metrics": lambda _: bytes(100_000)}):
        assert await worker(tmp_path, 1).ask("metrics") == [None, None]


async def test_a_gateway_of_one_process_asks_nobody() -> None:
    async with ALONE.answering({"state": lambda _: b"ready"}):
        assert await ALONE.ask("state") == []
