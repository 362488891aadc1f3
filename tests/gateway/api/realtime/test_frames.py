"""Frames on their way to a client that reads, one that does not, and one that is gone."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from uvicorn.protocols.utils import ClientDisconnected

from gateway.api.realtime import frames
from gateway.api.realtime.beta import beta_frames
from gateway.api.realtime.frames import Encode, FrameWriter, frames_of
from gateway.http.socket_messages import TakeMemory, TakeMessage
from gateway.realtime.protocol.items import InputImage, InputText, MessageItem
from gateway.realtime.protocol.response_events import OutputAudioDelta
from gateway.realtime.protocol.server_events import AudioCleared, ItemAdded


def event(number: int) -> AudioCleared:
    return AudioCleared(event_id=f"event_{number}")


CLEARED = b'{"type":"input_audio_buffer.cleared","event_id":"event_%d"}'


class Client:
    """What was sent to it: lists of messages that came together, and the close; whether its own are held."""

    def __init__(self) -> None:
        self.together: list[list[bytes]] = []
        self.close: Any = None
        self.held: list[bool] = []
        self.reads = True
        self.again: Callable[[], None]

    def deliver(self, take: TakeMessage) -> None:
        raise NotImplementedError

    def draw_on(self, take: TakeMemory) -> None:
        raise NotImplementedError

    def hold(self, *, held: bool) -> None:
        self.held.append(held)

    def takes_more(self, again: Callable[[], None]) -> bool:
        self.again = again
        return self.reads

    def send_texts(self, texts: Sequence[bytes]) -> None:
        self.together.append(list(texts))

    async def message(self, message: Any) -> None:
        self.close = message


async def test_frames_are_sent_in_order_and_then_the_close() -> None:
    client = Client()
    writer = FrameWriter(client, client.message, frames_of)
    writer.send(event(1))
    writer.send(event(2))
    writer.close(1001, "session_expired")
    writer.send(event(3))
    await writer.run()
    assert client.together == [[CLEARED % 1, CLEARED % 2]], "what is told at once is sent at once"
    assert client.close == {"type": "websocket.close", "code": 1001, "reason": "session_expired"}


async def test_no_more_is_sent_at_once_than_a_client_may_leave_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "AT_ONCE_BYTES", 150)
    client = Client()
    writer = FrameWriter(client, client.message, frames_of)
    for number in range(8):
        writer.send(event(number))
    writer.close(1000, "")
    await writer.run()
    assert [len(texts) for texts in client.together] == [3, 3, 2]
    assert [text for texts in client.together for text in texts] == [CLEARED % number for number in range(8)]


async def test_a_client_that_reads_nothing_falls_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOST_WAITING_BYTES", 200)

    client = Client()
    client.reads = False
    writer = FrameWriter(client, client.message, frames_of)
    for number in range(3):
        writer.send(event(number))
    waiting = asyncio.create_task(writer.backlogged())
    await asyncio.sleep(0)
    assert not waiting.done()
    for number in range(10):
        writer.send(event(number))
    await asyncio.wait_for(waiting, 1)


async def test_what_waits_is_sent_when_the_client_reads_again() -> None:
    client = Client()
    client.reads = False
    writer = FrameWriter(client, client.message, frames_of)
    running = asyncio.create_task(writer.run())
    writer.send(event(1))
    writer.send(event(2))
    writer.close(1000, "")
    await asyncio.sleep(0)
    assert (client.together, client.close) == ([], None)
    client.reads = True
    client.again()
    await running
    assert client.together == [[CLEARED % 1, CLEARED % 2]]
    assert client.close["code"] == 1000


async def test_audio_is_sent_at_once_and_else_who_is_called_next_comes_first() -> None:
    client = Client()
    writer = FrameWriter(client, client.message, frames_of)
    writer.send(event(1))
    writer.send(OutputAudioDelta(event_id="event_2", response_id="resp_1", item_id="item_1", output_index=0, delta=b""))
    assert [len(texts) for texts in client.together] == [2]
    writer.send(event(3))
    writer.send(event(4))
    before: list[int] = []
    asyncio.get_running_loop().call_soon(lambda: before.append(len(client.together)))
    while len(client.together) < 2:
        await asyncio.sleep(0)
    assert before == [1]
    assert client.together[1] == [CLEARED % 3, CLEARED % 4]


async def test_what_the_client_has_read_does_not_count_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames, "MOST_WAITING_BYTES", 200)
    client = Client()
    writer = FrameWriter(client, client.message, frames_of)
    for number in range(40):  # far more than the bound in all
        writer.send(event(number))
        await asyncio.sleep(0.001)
    assert sum(map(len, client.together)) == 40


async def test_a_client_that_is_gone_ends_it() -> None:
    class Gone(Client):
        def send_texts(self, _texts: Sequence[bytes]) -> None:
            raise ClientDisconnected

    client = Gone()
    writer = FrameWriter(client, client.message, frames_of)
    writer.send(event(1))
    await asyncio.wait_for(writer.run(), 1)


async def test_a_client_with_much_to_read_is_asked_for_nothing_more_until_it_has_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames, "HELD_BYTES", 200)
    client = Client()
    writer = FrameWriter(client, client.message, frames_of)
    for number in range(3):
        writer.send(event(number))
    assert client.held == []
    for number in range(3):
        writer.send(event(number))
    assert client.held == [True]
    writer.close(1000, "")
    await writer.run()
    assert client.held == [True, False]


@pytest.mark.parametrize("encode", [frames_of, beta_frames])
def test_an_item_that_would_be_too_long_is_shown_without_its_images(encode: Encode) -> None:
    for size, is_shown in ((1_000_000, True), (1024 * 1024, False)):
        image = InputImage(image_url="data:image/png;base64," + "A" * size)
        item = MessageItem(id="item_1", role="user", content=[InputText(text="Look:"), image])
        (frame,) = encode(ItemAdded(event_id="event_1", previous_item_id=None, item=item))
        text, shown = json.loads(frame)["item"]["content"]
        assert (text["text"], "image_url" in shown) == ("Look:", is_shown)
        assert len(frame) < 1024 * 1024
