"""A realtime session without a socket: what its client sends goes in, what it would be sent is in ``events``."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from gateway.access.caller import ANYONE
from gateway.access.limits import Limits
from gateway.access.meter import LocalMeter
from gateway.conversation.history import History
from gateway.conversation.memory_store import MemoryStore
from gateway.engines.route import STAGES, Engines
from gateway.realtime.driver import Driver, driving
from gateway.realtime.protocol.client_events import InputAudioBufferAppend
from gateway.realtime.protocol.response_events import FailureBody
from gateway.realtime.protocol.server_events import ServerEvent
from gateway.realtime.session.event_reader import read_event
from gateway.realtime.sessions import RealtimeService, RealtimeSessions, SessionRequest
from gateway.tasks import background
from gateway.telemetry.outcome import TurnOutcome
from gateway.turns.conversation_turn import Turns
from gateway.turns.speech_turn import SpeechTurns
from tests.support.realtime_client import FRAME_BYTES
from tests.support.server import gateway_of, until


class Stage:
    """What a session is run on, and what it said: a transport, too."""

    def __init__(self, engines: Engines, *flags: str) -> None:
        self.engines: Any = engines
        self.gateway = gateway_of(engines, *flags)
        for stage in STAGES:
            self.gateway.routes[0].settle(stage, None)
        self.outcomes: list[TurnOutcome] = []
        self.history = History(MemoryStore(ttl_seconds=60, max_bytes=10_000_000, max_waiting=1), 1_000_000)
        self.events: list[ServerEvent] = []
        self.closed: tuple[int, str] | None = None
        self.meter = LocalMeter(Limits(), 1)
        service = RealtimeService(
            gateway=self.gateway,
            turns=Turns(self.history, self._observe),
            speech_turns=SpeechTurns(self._observe),
            history=self.history,
            observer=self._observe,
            meter=self.meter,
            failure=lambda error: FailureBody(type="server_error", message=type(error).__name__),
        )
        self.sessions = RealtimeSessions(service)
        self.driver: Driver

    def _observe(self, _turn: Any) -> Any:
        return self.outcomes.append

    def request(self, **fields: Any) -> SessionRequest:
        """A request for a session on this stage."""
        plain = {"caller": ANYONE, "served": self.gateway.routes[0], "model": "gpt-realtime", "kind": "realtime"}
        return SessionRequest(**{**plain, **fields})

    @asynccontextmanager
    async def session(self, **fields: Any) -> AsyncGenerator[Driver, None]:
        """A session that has begun; nothing of it is left afterwards."""
        async with background() as start:
            start(self.sessions.attend())
            await asyncio.sleep(0)
            parts = await self.sessions.parts(self.request(**fields))
            room = parts.hearing.memory.free
            async with driving(parts, self) as self.driver:
                yield self.driver
            self.driver.receive(InputAudioBufferAppend(audio=bytes(FRAME_BYTES)))  # what was on its way
            assert parts.hearing.memory.free == room
        assert (self.engines.llm.open, self.engines.tts.open) == (0, 0)

    # The transport.

    def send(self, event: ServerEvent) -> None:
        """Take an event."""
        self.events.append(event)

    def clear_playback(self) -> None:
        """Nothing is played."""

    def close(self, code: int, reason: str) -> None:
        """Note how it was closed."""
        self.closed = (code, reason)

    # The client.

    def client(self, frame: str) -> None:
        """The client sends a frame."""
        self.driver.receive(read_event(frame))

    async def speak(self, pcm: bytes) -> None:
        """The client sends audio, in frames of 20 ms, and everybody gets to work in between."""
        for start in range(0, len(pcm), FRAME_BYTES):
            self.driver.receive(InputAudioBufferAppend(audio=pcm[start : start + FRAME_BYTES]))
            await asyncio.sleep(0)

    def told(self, type_: str) -> list[Any]:
        """The events of a type so far."""
        return [event for event in self.events if event.__struct_config__.tag == type_]

    async def until(self, type_: str, count: int = 1) -> Any:
        """The event of a type, once there are ``count`` of them."""
        await until(lambda: len(self.told(type_)) >= count)
        return self.told(type_)[count - 1]
