"""Runs one session: tells it what happens, and does what it commands.

Everything happens on the event loop, one input after the other: who has news (a transport, the ears, an answer, a
timer) calls ``tell``, and when that returns the commands were run. So nothing can pile up in front of a session but
what its transport has not read yet, and a session costs no task while nothing happens.
"""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any, Protocol, assert_never

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.realtime.answering import Answers, AnswerService
from gateway.realtime.hearing.audio_format import format_of
from gateway.realtime.hearing.input_audio import Utterance
from gateway.realtime.hearing.listener import Hearing, Listener
from gateway.realtime.hearing.transcribing import Transcripts, TranscriptService
from gateway.realtime.memory import Memory
from gateway.realtime.pacing import Playback
from gateway.realtime.protocol.client_events import ClientEvent, InputAudioBufferAppend
from gateway.realtime.protocol.response_events import OutputAudioDelta
from gateway.realtime.protocol.server_events import ServerEvent
from gateway.realtime.recordings import NOT_KEPT, Recording, Recordings
from gateway.realtime.session import commands, inputs
from gateway.realtime.session.policy import Opening
from gateway.realtime.session.session import Session
from gateway.tasks import background
from gateway.telemetry.log_format import where

logger = logging.getLogger(__name__)

KEEPING_SECONDS = 5.0
"""How long a session that is over waits for the store."""

INTERNAL_ERROR = 1011
"""The close code of a failure of ours."""

Start = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Transport(Protocol):
    """A connection to the client. Nothing waits: what cannot be sent yet is kept, within a bound of the transport."""

    def send(self, event: ServerEvent) -> None:
        """Send an event."""

    def clear_playback(self) -> None:
        """Stop playing, where the transport plays audio itself."""

    def close(self, code: int, reason: str) -> None:
        """Close once all was sent."""


class SessionParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a session is run with. Output audio is sent at most ``lead_seconds`` ahead of real time; 0: at once."""

    opening: Opening
    answers: AnswerService
    transcripts: TranscriptService
    hearing: Hearing
    memory: Memory
    lead_seconds: float


def new_id(kind: str) -> str:
    """An id that was never there; clients take 32 characters at most."""
    return f"{kind}_{os.urandom(12).hex()}"


@asynccontextmanager
async def driving(parts: SessionParts, transport: Transport) -> AsyncGenerator["Driver", None]:
    """A session that has begun; leaving ends it, and everything that it runs."""
    driver: Driver | None = None
    try:
        async with background() as start:
            driver = Driver(parts, transport, start)
            try:
                driver.tell(inputs.Opened())
                yield driver
            finally:
                driver.end()
    finally:
        if driver is not None:
            await driver.keep_last()


class Driver:
    """The session that ``parts`` describe, at ``transport``; ``driving`` makes it and ends it."""

    def __init__(self, parts: SessionParts, transport: Transport, start: Start) -> None:
        self.last_event_at = time.monotonic()
        self._session = Session(parts.opening, new_id)
        self._transport = transport
        self._start = start
        self._memory = parts.memory
        self._inputs: deque[inputs.Input] = deque()
        self._context = copy_context()  # of the request that began the session; who tells may be of another's, or none
        self._is_handling = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._recordings = Recordings(parts.hearing.memory, are_heard=not parts.opening.policy.recognises)
        self._committed: dict[str, Utterance] = {}  # by item, until the commands of one input are done
        self._listener = Listener(parts.hearing, self.tell, self._deaf)
        self._transcripts = Transcripts(parts.transcripts, self.tell, self._listener.words, start)
        self._answers = Answers(parts.answers, Playback(parts.lead_seconds), self.tell, start, self._recording)
        self._to_keep: commands.Remember | None = None
        self._keeper: asyncio.Task[None] | None = None

    def receive(self, event: ClientEvent | inputs.Refused) -> None:
        """The client's next event."""
        self.last_event_at = time.monotonic()
        if isinstance(event, InputAudioBufferAppend):
            self._append(event)
        else:
            self.tell(event)

    def tell(self, happened: inputs.Input) -> None:
        """Tell the session what happened, and do what it commands; what that leads to at once comes after it."""
        self._inputs.append(happened)
        if not self._is_handling:
            self._context.run(self._handle)

    def _handle(self) -> None:
        self._is_handling = True
        try:
            while self._inputs:
                for command in self._session.handle(self._inputs.popleft(), time.monotonic()):
                    self._run(command)
                self._committed.clear()  # nobody asks for the words of what is left
        except Exception as error:  # noqa: BLE001  a fault of ours ends this session, and no other
            logger.error("a session failed unexpectedly: %s", where(error))
            self._inputs.clear()
            self._transport.close(INTERNAL_ERROR, "internal_error")
        finally:
            self._is_handling = False

    def end(self) -> None:
        """The transport is gone."""
        self.tell(inputs.Closed())
        self._listener.end()
        self._recordings.end()
        for timer in self._timers.values():
            timer.cancel()

    async def keep_last(self) -> None:
        """Store what the conversation was when the session ended, if that is not stored yet."""
        if self._to_keep is None:
            return
        try:
            async with asyncio.timeout(KEEPING_SECONDS):
                await self._keep()
        except TimeoutError:
            logger.warning("the conversation of a session is not kept: the store is too slow")

    def _append(self, event: InputAudioBufferAppend) -> None:
        try:
            self._listener.append(event.audio)
        except InvalidRequest as error:
            self.tell(inputs.Refused.of(error, event.event_id))
            return
        if self._session.appended(total_ms := int(self._listener.now_ms)):
            self.tell(inputs.AudioAppended(total_ms=total_ms))

    def _run(self, command: commands.Command) -> None:
        match command:
            case commands.Send():
                self._send(command.event)
            case commands.SetTimer():
                self._set_timer(command)
            case commands.CancelTimer():
                if (timer := self._timers.pop(command.name, None)) is not None:
                    timer.cancel()
            case commands.ClearPlayback():
                self._transport.clear_playback()
            case commands.Remember():
                self._remember(command)
            case commands.Close():
                self._transport.close(command.code, command.reason)
            case commands.Prepare():
                self._prepare(command)
            case commands.Answer() | commands.Say() | commands.Cancel() | commands.Adopt() | commands.Discard():
                self._answers.run(command)
            case commands.StartTranscript() | commands.FinishTranscript() | commands.DropTranscript():
                self._transcribe(command)
            case _:
                self._keep_or_drop(command)

    def _transcribe(
        self, command: commands.StartTranscript | commands.FinishTranscript | commands.DropTranscript
    ) -> None:
        transcripts, item_id = self._transcripts, command.item_id
        match command:
            case commands.StartTranscript():
                transcripts.start(item_id, self._listener.open(command.start_ms), command.recognition)
            case commands.FinishTranscript():
                utterance = self._committed.pop(item_id, None)
                if utterance is not None:
                    transcripts.start(item_id, utterance, command.recognition)
                transcripts.finish(item_id)
            case commands.DropTranscript():
                transcripts.drop(item_id)
            case _:
                assert_never(command)

    def _keep_or_drop(
        self,
        command: commands.Listen
        | commands.CommitAudio
        | commands.ClearAudio
        | commands.KeepAudio
        | commands.TruncateAudio
        | commands.ForgetAudio
        | commands.SendItem,
    ) -> None:
        """What concerns the session's audio."""
        match command:
            case commands.Listen():
                self._listener.listen(format_of(command.format), command.turn_detection)
            case commands.CommitAudio():
                self._commit(command)
            case commands.ClearAudio():
                self._listener.clear(command.end_ms)
            case commands.KeepAudio():
                self._keep_audio(command)
            case commands.TruncateAudio():
                self._recordings.truncate(command.item_id, command.end_ms)
            case commands.ForgetAudio():
                self._recordings.forget(command.item_id)
                self._transcripts.drop(command.item_id)
            case commands.SendItem():
                item = self._recordings.with_audio(command.event.item)
                self._transport.send(msgspec.structs.replace(command.event, item=item))
            case _:
                assert_never(command)

    def _send(self, event: ServerEvent) -> None:
        if isinstance(event, OutputAudioDelta):
            run = self._answers.run_of(event.response_id)
            if run is not None and run.audio_format is not None:
                self._recordings.add(event.item_id, run.audio_format, event.delta)
        self._transport.send(event)

    def _commit(self, command: commands.CommitAudio) -> None:
        utterance = self._listener.commit(command.start_ms, command.end_ms)
        self._recordings.keep(command.item_id, self._listener.audio.format, utterance.data, was_buffered=True)
        if not self._transcripts.is_running(command.item_id):
            self._committed[command.item_id] = utterance

    def _keep_audio(self, command: commands.KeepAudio) -> None:
        """A client added a recording with an item."""
        audio_format = self._listener.audio.format
        whole = command.audio[: len(command.audio) - len(command.audio) % audio_format.sample_bytes]
        self._recordings.keep(command.item_id, audio_format, whole)
        utterance = self._committed[command.item_id] = Utterance(self._listener.audio, 0)
        utterance.close(whole)

    def _prepare(self, command: commands.Prepare) -> None:
        heard: llm.Audio | None = None
        if not self._transcripts.is_running(command.item_id):  # the model hears itself
            audio = self._listener.audio
            data = audio.between(audio.offset(command.start_ms), audio.offset(command.end_ms))
            heard = Recording(audio_format=audio.format, data=data).for_model()
        self._answers.prepare(command, lambda: self._transcripts.so_far(command.item_id), heard)

    def _recording(self, item_id: str) -> llm.Part:
        recording = self._recordings.get(item_id)
        return NOT_KEPT if recording is None else recording.for_model()

    def _set_timer(self, command: commands.SetTimer) -> None:
        if (earlier := self._timers.get(command.name)) is not None:
            earlier.cancel()
        fired = inputs.TimerFired(name=command.name)
        self._timers[command.name] = asyncio.get_running_loop().call_later(command.seconds, self.tell, fired)

    def _deaf(self, _error: Exception) -> None:
        """Voice activity cannot be measured any more; the log says why."""
        message = "The gateway cannot hear any more; connect again."
        self.tell(inputs.Expired(message=message, code="server_error", close_code=INTERNAL_ERROR))

    def _remember(self, command: commands.Remember) -> None:
        self._to_keep = command
        if self._keeper is None or self._keeper.done():
            self._keeper = self._start(self._keep())

    async def _keep(self) -> None:
        """Store the conversation until nothing is new."""
        while self._to_keep is not None:
            command = self._to_keep
            if (shortened := await self._memory.keep(command)) is not None:
                self.tell(shortened)
            if self._to_keep is command:
                self._to_keep = None
