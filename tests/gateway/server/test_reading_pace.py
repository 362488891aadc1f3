"""Clients that read nothing, or too little, of what they are sent: their connection ends, and no other one does."""

import asyncio
from typing import Any

import pytest

from gateway.server import limits
from gateway.server.reading_pace import ReadingPace
from gateway.settings.load import load
from tests.support.raw_client import RawConnection, request
from tests.support.server import serving, until
from tests.support.virtual_time import in_virtual_time

MEGABYTE = 1_000_000


class Buffer:
    """Stands for a transport whose client has not read so many bytes."""

    unread = MEGABYTE

    def get_write_buffer_size(self) -> int:
        return self.unread


async def seconds_until_too_slow(bytes_per_second: int) -> float:
    """After how long a client that reads so fast is too slow; ``inf`` if it never is."""
    buffer, pace = Buffer(), ReadingPace()
    pace.full(buffer)
    for second in range(100_000):
        if pace.too_slow(buffer):
            return second
        buffer.unread = max(0, buffer.unread - bytes_per_second)
        if not buffer.unread:
            return float("inf")
        await asyncio.sleep(1)
    raise AssertionError("never")


@in_virtual_time
async def test_who_reads_nothing_is_too_slow_after_a_pause() -> None:
    assert await seconds_until_too_slow(0) == limits.READ_SECONDS


@in_virtual_time
async def test_who_reads_slowly_has_longer() -> None:
    assert limits.READ_SECONDS < await seconds_until_too_slow(100) < 200
    assert await seconds_until_too_slow(2 * limits.READ_BYTES_PER_SECOND) == float("inf")


@in_virtual_time
async def test_a_buffer_that_has_room_waits_for_nobody() -> None:
    pace = ReadingPace()
    pace.full(Buffer())
    pace.drained()
    await asyncio.sleep(2 * limits.READ_SECONDS)
    assert not pace.too_slow(Buffer())


@pytest.mark.parametrize("requests", [1, 2])
async def test_a_client_that_reads_nothing_is_left(requests: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request, sent before the first is answered, waits for the client to read that answer."""
    monkeypatch.setattr(limits, "READ_SECONDS", 0.2)

    async def large(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": bytes(50 * MEGABYTE), "more_body": False})

    async with serving(large, load([], {}).settings) as (address, server):
        connection = await RawConnection.open(address, request("GET", "/") * requests)
        await until(lambda: server.server_state.total_requests >= 1)
        await until(lambda: not server.server_state.connections and not server.server_state.tasks)
        await connection.close()
