"""Frames on their way to a client that reads, one that does not, and one that is gone."""

import asyncio
from typing import Any

import pytest
from litestar.exceptions import WebSocketDisconnect

from gateway.api.realtime import frames
from gateway.api.realtime.frames import FrameWriter, frames_of
from gateway.realtime.protocol.server_events import AudioCleared


def event(number: int) -> AudioCleared:
    return AudioCleared(event_id=f"event_{number}")


async def test_frames_are_sent_in_order_and_then_the_close() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    writer = FrameWriter(send, frames_of)
    writer.send(event(1))
    writer.send(event(2))
    writer.close(1001, "session_expired")
    writer.send(event(3))
    await writer.run()
    assert [message.get("text") for message in sent] == [
        '{"type":"input_audio_buffer.cleared","event_id":"event_1"}',
        '{"type":"input_audio_buffer.cleared","event_id":"event_2"}',
        None,
    ]
    assert (sent[-1]["code"], sent[-1]["reason"]) == (1001, "session_expired")


async def test_a_client_that_reads_nothing_falls_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOST_WAITING_BYTES", 200)

    async def never(_message: Any) -> None:
        await asyncio.Event().wait()

    writer = FrameWriter(never, frames_of)
    running = asyncio.create_task(writer.run())
    for number in range(3):
        writer.send(event(number))
    waiting = asyncio.create_task(writer.backlogged())
    await asyncio.sleep(0)
    assert not waiting.done()
    for number in range(10):
        writer.send(event(number))
    await asyncio.wait_for(waiting, 1)
    running.cancel()


async def test_a_client_that_is_gone_ends_it() -> None:
    async def gone(_message: Any) -> None:
        raise WebSocketDisconnect(detail="gone")

    writer = FrameWriter(gone, frames_of)
    writer.send(event(1))
    await asyncio.wait_for(writer.run(), 1)
