"""Events over a data channel: their order, what waits, what is too long, and how they are read."""

import json
from collections.abc import Callable
from typing import Any

from gateway.realtime.protocol.client_events import InputAudioBufferCommit
from gateway.realtime.protocol.server_events import AudioCleared
from gateway.realtime.session.inputs import Refused
from gateway.webrtc import event_channel
from gateway.webrtc.event_channel import EventChannel


class Channel:
    """A data channel whose buffer the test drains."""

    def __init__(self, longest: int = 65_536) -> None:
        self.readyState = "open"
        self.bufferedAmount = 0
        self.sent: list[dict[str, Any]] = []
        self._longest = longest
        self._handlers: dict[str, Callable[..., None]] = {}

    def on(self, event: str, handler: Callable[..., None]) -> None:
        self._handlers[event] = handler

    def emit(self, event: str, *arguments: Any) -> None:
        self._handlers[event](*arguments)

    def send(self, text: str) -> None:
        if len(text) > self._longest:
            raise ValueError("too long")
        self.sent.append(json.loads(text))


def cleared(name: str) -> AudioCleared:
    return AudioCleared(event_id=name)


def ids(channel: Channel) -> list[str]:
    return [event["event_id"] for event in channel.sent]


async def test_events_wait_for_the_channel_and_keep_their_order() -> None:
    events, channel, second = EventChannel(lambda _: None), Channel(), Channel()
    events.send(cleared("a"))
    events.send(cleared("b"))
    events.attach(channel)
    events.send(cleared("c"))
    events.attach(second)
    events.send(cleared("d"))
    assert ids(channel) == ["a", "b", "c", "d"]
    assert second.sent == []
    channel.readyState = "closed"
    events.send(cleared("e"))
    assert len(channel.sent) == 4


async def test_what_the_client_sends_is_read() -> None:
    received: list[Any] = []
    events, channel = EventChannel(received.append), Channel()
    events.attach(channel)
    channel.emit("message", '{"type":"input_audio_buffer.commit"}')
    channel.emit("message", b"\0")
    channel.emit("message", "{")
    assert isinstance(received[0], InputAudioBufferCommit)
    assert [isinstance(event, Refused) for event in received] == [False, True, True]


async def test_a_client_that_does_not_read_is_too_far_behind() -> None:
    events, channel = EventChannel(lambda _: None), Channel()
    events.attach(channel)
    channel.bufferedAmount = event_channel.MOST_WAITING_BYTES + 1
    assert not events.overrun.is_set()
    events.send(cleared("a"))
    assert events.overrun.is_set()
    unopened = EventChannel(lambda _: None)
    for _ in range(event_channel.MOST_WAITING_BYTES // 100):
        unopened.send(cleared("a" * 100))
    assert unopened.overrun.is_set()


async def test_an_event_that_is_too_long_is_told_of() -> None:
    events, channel = EventChannel(lambda _: None), Channel(longest=1000)
    events.attach(channel)
    events.send(cleared("a" * 2000))
    assert channel.sent[0]["error"]["code"] == "event_too_long"


async def test_the_last_events_may_leave() -> None:
    events, channel = EventChannel(lambda _: None), Channel()
    await events.flush()  # there is no channel
    events.attach(channel)
    await events.flush()  # nothing waits
    channel.bufferedAmount = 10
    channel.on("bufferedamountlow", lambda: None)
    on = channel.on

    def drained(event: str, handler: Callable[..., None]) -> None:
        on(event, handler)
        channel.emit("bufferedamountlow")

    channel.on = drained  # type: ignore[method-assign]
    await events.flush()
