"""One call: the transport of a session whose events go over a data channel and whose audio is played here."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.realtime.driver import Driver, SessionParts, Transport, driving, new_id
from gateway.realtime.hearing.audio_format import format_of
from gateway.realtime.protocol.client_events import ClientEvent, InputAudioBufferAppend
from gateway.realtime.protocol.response_events import OutputAudioDelta, OutputAudioDone, ResponseCreated, ResponseDone
from gateway.realtime.protocol.server_events import (
    PlaybackCleared,
    PlaybackStarted,
    PlaybackStopped,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
)
from gateway.realtime.protocol.session_config import SessionConfig
from gateway.realtime.session.inputs import Refused
from gateway.realtime.sessions import RealtimeSessions
from gateway.tasks import race
from gateway.webrtc.event_channel import EventChannel
from gateway.webrtc.ice import Network
from gateway.webrtc.microphone import Microphone
from gateway.webrtc.peer import Peer
from gateway.webrtc.playout import Change, Playout

CONNECT_SECONDS = 30.0
"""How long a client may take to connect after its offer was answered."""

NORMAL = 1000
"""The close code of the WebSockets beside a call that is over."""

PLAYBACK_EVENTS: dict[Change, type[PlaybackStarted | PlaybackStopped | PlaybackCleared]] = {
    "started": PlaybackStarted,
    "stopped": PlaybackStopped,
    "cleared": PlaybackCleared,
}


class Call:
    """The call ``call_id`` over ``network``; ``answer`` its offer, ``run`` its session, and ``release`` it."""

    def __init__(self, call_id: str, network: Network) -> None:
        self.call_id = call_id
        self._driver: Driver | None = None
        self._config: SessionConfig | None = None
        self._beside: set[Transport] = set()
        self._over = asyncio.Event()
        self._reason = ""
        self._channel = EventChannel(self.receive)
        self._playout = Playout(self._tell_playback)
        self._microphone = Microphone(self._hear)
        self._peer = Peer(network, self._playout, self._microphone, self._channel)

    async def answer(self, offer: str) -> str:
        """The answer (SDP) to the client's offer. Raises ``InvalidRequest`` for one that cannot be answered."""
        return await self._peer.answer(offer)

    async def run(self, sessions: RealtimeSessions, parts: SessionParts) -> str:
        """Hold the session until it or the connection is over; how it ended."""
        async with driving(parts, self) as self._driver:
            with sessions.watched(self._driver):
                return await race(self._connected(), self._ended(), self._fall_behind())

    async def release(self) -> None:
        """Close the connection, and the WebSockets beside it."""
        for beside in self._beside:
            beside.close(NORMAL, "the call is over")
        await self._peer.close()

    def hang_up(self) -> None:
        """End the call."""
        self._end("hung up")

    @contextmanager
    def beside(self, transport: Transport) -> Iterator[None]:
        """Send all events to ``transport`` as well, after the configuration as it is now."""
        if self._config is not None:
            transport.send(SessionCreated(event_id=new_id("event"), session=self._config))
        self._beside.add(transport)
        try:
            yield
        finally:
            self._beside.discard(transport)

    def receive(self, event: ClientEvent | Refused) -> None:
        """The client's next event."""
        if self._driver is not None:
            self._driver.receive(event)

    # The transport of the session.

    def send(self, event: ServerEvent) -> None:
        """Send an event; audio is played in its place."""
        match event:
            case OutputAudioDelta():
                self._playout.add(event.response_id, event.delta)
                return
            case SessionCreated() | SessionUpdated():
                self._config = event.session
                self._microphone.listen(format_of(event.session.audio.input.format))
            case ResponseCreated():
                self._playout.begin(event.response.id, format_of(event.response.audio.output.format))
            case OutputAudioDone():
                self._playout.complete(event.response_id)
            case ResponseDone():
                self._playout.forget(event.response.id)
            case _:
                pass
        self._channel.send(event)
        for transport in self._beside:
            transport.send(event)

    def clear_playback(self) -> None:
        """Stop playing."""
        self._playout.clear()

    def close(self, code: int, reason: str) -> None:
        """End the call, once what was sent has left."""
        for transport in self._beside:
            transport.close(code, reason)
        self._end(reason)

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._over.set()

    def _hear(self, data: bytes) -> None:
        self.receive(InputAudioBufferAppend(audio=data))

    def _tell_playback(self, change: Change, response_id: str) -> None:
        self.send(PLAYBACK_EVENTS[change](event_id=new_id("event"), response_id=response_id))

    async def _connected(self) -> str:
        """Listen while there is a connection."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._peer.connected.wait()
        except TimeoutError:
            return f"the client did not connect within {CONNECT_SECONDS:g} s"
        await self._peer.listen()
        await self._peer.ended.wait()
        return "the connection is closed or lost"

    async def _ended(self) -> str:
        await self._over.wait()
        await self._channel.flush()
        return self._reason

    async def _fall_behind(self) -> str:
        await self._channel.overrun.wait()
        return "the client does not read what it is sent"
