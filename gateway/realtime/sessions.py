"""The sessions of this process: how each is put together, how many there are, and when they have to end."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

import msgspec

from adapters import registry
from adapters.contract.errors import Unavailable, UnknownModel
from adapters.contract.vad import VoiceActivity
from adapters.turn_end.smart_turn import SmartTurn
from gateway.access.caller import Caller
from gateway.access.meter import Meter
from gateway.conversation.history import History
from gateway.engines.lifecycle import Gateway
from gateway.engines.queue import RETRY_SECONDS
from gateway.engines.route import ServedRoute
from gateway.realtime.answering import AnswerService
from gateway.realtime.audio_memory import AudioMemory
from gateway.realtime.driver import Driver, SessionParts, new_id
from gateway.realtime.hearing.end_of_turn import TurnJudge
from gateway.realtime.hearing.listener import Hearing
from gateway.realtime.hearing.transcribing import TranscriptService
from gateway.realtime.hearing.voice_activity import VoiceActivityMonitor
from gateway.realtime.memory import Memory
from gateway.realtime.protocol.response_events import FailureBody
from gateway.realtime.protocol.session_config import (
    Audio,
    AudioOutput,
    RealtimeSession,
    SessionConfig,
    TranscriptionSession,
)
from gateway.realtime.reach import reach_of
from gateway.realtime.session.inputs import Expired
from gateway.realtime.session.policy import Opening, Policy
from gateway.realtime.session.session_update import updated
from gateway.tasks import background
from gateway.telemetry.observer import Observer
from gateway.turns.conversation_turn import Turns
from gateway.turns.speech_turn import SpeechTurns

GOING_AWAY = 1001
"""The close code of a session whose time is over."""

RESTARTING = 1012
"""The close code when the gateway stops: clients connect again."""


class SessionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A session that ``caller`` asks for at the route ``served``, which it calls ``model``.

    ``changes`` are laid over the configuration that the route gives. ``conversation`` is the id of an earlier one.
    """

    caller: Caller
    served: ServedRoute
    model: str
    kind: Literal["realtime", "transcription"]
    changes: dict[str, Any] = {}
    conversation: str | None = None


class RealtimeService(msgspec.Struct, frozen=True, kw_only=True):
    """What sessions share; ``failure`` words what went wrong for clients."""

    gateway: Gateway
    turns: Turns
    speech_turns: SpeechTurns
    history: History
    observer: Observer
    meter: Meter
    failure: Callable[[Exception], FailureBody]


class RealtimeSessions:
    """All sessions of this process. Raises ``BadOption`` for a model of turns that is none."""

    def __init__(self, service: RealtimeService) -> None:
        self._service = service
        self._settings = service.gateway.settings
        self._monitors: dict[VoiceActivity, tuple[VoiceActivityMonitor, asyncio.Task[None]]] = {}
        self._usual_detector: VoiceActivity | None = None
        self._memory = AudioMemory(self._settings.realtime_audio_mb)
        self._judge = TurnJudge(_turn_model(self._settings.realtime_turn_model))
        self._start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]] | None = None
        self.open = 0
        """How many sessions there are."""
        self._drivers: set[Driver] = set()
        service.gateway.when_stopping(self._stop)

    async def attend(self) -> None:
        """Run what all sessions share, until cancelled."""
        async with background() as self._start:
            await asyncio.Event().wait()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one session. Raises ``Unavailable`` when there are as many as there may be."""
        if self._service.gateway.stopping:
            raise Unavailable("The gateway is shutting down; try again shortly.", retry_after=RETRY_SECONDS)
        if self.open >= self._settings.realtime_sessions:
            raise Unavailable(
                f"The gateway has {self.open} sessions already; try again shortly.", retry_after=RETRY_SECONDS
            )
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    def configuration(self, request: SessionRequest) -> SessionConfig:
        """How a session begins, as clients see it. Raises ``InvalidRequest`` for changes that cannot be made."""
        settings = request.served.route.settings
        expires_at = int(time.time() + self._settings.realtime_session_minutes * 60)
        config: SessionConfig
        if request.kind == "transcription":
            config = TranscriptionSession(id=new_id("sess"), expires_at=expires_at)
        else:
            config = RealtimeSession(
                id=new_id("sess"),
                model=request.model,
                instructions=settings.init_chat_prompt or "",
                expires_at=expires_at,
                audio=Audio(output=AudioOutput(voice=settings.voice)),
            )
        return updated(config, request.changes, self._policy(request), has_spoken=False)

    async def parts(self, request: SessionRequest) -> SessionParts:
        """All that a session needs. Raises ``InvalidRequest``, and ``Unavailable`` without the store."""
        service, served, settings = self._service, request.served, self._settings
        policy = self._policy(request)
        conversation_id = request.conversation or new_id("conv")
        memory = Memory(service.history.of(request.caller.name), served, conversation_id)
        items, summary = ((), None) if request.conversation is None else await memory.recall(new_id)
        opening = Opening(
            config=self.configuration(request),
            conversation_id=conversation_id,
            items=items,
            summary=summary,
            policy=policy,
        )
        return SessionParts(
            opening=opening,
            answers=AnswerService(
                caller=request.caller,
                served=served,
                turns=service.turns,
                speech_turns=service.speech_turns,
                meter=service.meter,
                failure=service.failure,
            ),
            transcripts=TranscriptService(
                caller=request.caller,
                served=served,
                observer=service.observer,
                failure=service.failure,
            ),
            hearing=await self._hearing(served),
            memory=memory,
            lead_seconds=settings.realtime_lead_seconds,
        )

    def _policy(self, request: SessionRequest) -> Policy:
        settings, served = self._settings, request.served
        return Policy(
            recognises=served.engines.stt is not None,
            reach=reach_of(served, settings.realtime_ahead),
            least_speech_ms=settings.realtime_interrupt_ms,
            least_speech_words=settings.realtime_interrupt_words,
            resumes=settings.realtime_resume,
            remembers=request.kind == "realtime",
            voice=served.route.settings.voice,
            is_same_model=partial(self._is_same_model, request),
        )

    def _is_same_model(self, request: SessionRequest, name: str) -> bool:
        try:
            return self._service.gateway.find(name, request.caller, named_by="llm").name == request.served.name
        except UnknownModel:
            return False

    @contextmanager
    def watched(self, driver: Driver) -> Iterator[None]:
        """``driver`` is told when its time is over, when its client is silent for too long, and when we stop."""
        loop, settings = asyncio.get_running_loop(), self._settings
        minutes, idle = settings.realtime_session_minutes, settings.realtime_idle_seconds
        expired = Expired(
            message=f"Your session hit the maximum duration of {minutes:g} minutes.",
            code="session_expired",
            close_code=GOING_AWAY,
        )
        timers = {"expiry": loop.call_later(minutes * 60, driver.tell, expired)}

        def check_idle() -> None:
            left = driver.last_event_at + idle - time.monotonic()
            if left > 0:
                timers["idle"] = loop.call_later(left, check_idle)
            else:
                message = f"Your session ended: nothing was sent for {idle:g} seconds."
                driver.tell(Expired(message=message, code="session_idle", close_code=GOING_AWAY))

        if idle:
            timers["idle"] = loop.call_later(idle, check_idle)
        self._drivers.add(driver)
        try:
            yield
        finally:
            self._drivers.discard(driver)
            for timer in timers.values():
                timer.cancel()

    def _stop(self) -> None:
        """The gateway stops: tell everybody."""
        message = "The gateway is shutting down; connect again."
        for driver in list(self._drivers):
            driver.tell(Expired(message=message, code="server_shutdown", close_code=RESTARTING))

    async def _hearing(self, served: ServedRoute) -> Hearing:
        """What sessions of a route hear with; a route without a detector has the usual one for turns."""
        assert self._start is not None, "the application runs"
        engine = served.engines.vad
        if engine is None:
            engine = self._usual_detector = self._usual_detector or await _usual_detector(served)
        if engine not in self._monitors:
            self._end_retired_monitors()
            monitor = VoiceActivityMonitor(engine)
            self._monitors[engine] = monitor, self._start(monitor.run())
        monitor, _ = self._monitors[engine]
        return Hearing(
            monitor=monitor,
            judge=self._judge,
            start=self._start,
            memory=self._memory,
            quiet_ms=self._settings.realtime_ahead_ms,
        )

    def _end_retired_monitors(self) -> None:
        """End those of detectors that no route has any more, after a reload."""
        serving = {served.engines.vad for served in self._service.gateway.serving}
        for engine in self._monitors.keys() - serving - {self._usual_detector}:
            _, running = self._monitors.pop(engine)
            running.cancel()


def _turn_model(path: str | None) -> SmartTurn | None:
    """The model that hears the end of a turn, if one is set. Raises ``BadOption``."""
    if path is None:
        return None
    model = SmartTurn(path)
    model.preflight()
    return model


async def _usual_detector(served: ServedRoute) -> VoiceActivity:
    """The detector of the stage that is taken when nothing selects another."""
    names = [name for stage, name in registry.engines() if stage == "vad"]
    name = next(name for name in names if registry.description("vad", name).default)
    engine: VoiceActivity = registry.build("vad", name, served.route.settings)
    await engine.warm_up()
    return engine
