"""The answers of a session: those that run, how they begin and end, and what of them was heard."""

from typing import assert_never

from adapters.contract.errors import InvalidRequest
from gateway.realtime.protocol.client_events import ResponseParams
from gateway.realtime.protocol.items import Item
from gateway.realtime.protocol.response_events import FailureBody, StopReason, Usage
from gateway.realtime.protocol.server_events import RateLimitsUpdated
from gateway.realtime.protocol.session_config import RealtimeSession
from gateway.realtime.session import inputs
from gateway.realtime.session.answer_plan import NO_PARAMS, max_output_tokens_of, modality_of, output_of, plan_of
from gateway.realtime.session.commands import (
    Adopt,
    Answer,
    Cancel,
    ClearPlayback,
    ForgetAudio,
    Say,
)
from gateway.realtime.session.conversation_items import heard
from gateway.realtime.session.playback import Interrupted, PlaybackEstimate
from gateway.realtime.session.response_writer import Ending, ResponseHead, ResponseWriter
from gateway.realtime.session.session_state import SessionState
from gateway.realtime.session.transcripts import ItemTranscripts

MOST_AT_ONCE = 16
"""Answers beside the conversation that may run at once."""


class _Running:
    """An answer that is not over. ``items``: what it answers, where that is not the conversation; ``heard_ms``: so much
    of its audio was heard, and no more will be.
    """

    def __init__(self, writer: ResponseWriter, params: ResponseParams, items: tuple[Item, ...] | None) -> None:
        self.writer = writer
        self.params = params
        self.items = items
        self.asked = False
        self.heard_ms: int | None = None


class Responses:
    """At most one answer in the conversation, and others beside it.

    An answer waits until the words of all that it answers are known.
    """

    def __init__(self, state: SessionState, transcripts: ItemTranscripts) -> None:
        self._state = state
        self._transcripts = transcripts
        self._running: dict[str, _Running] = {}
        self._active: str | None = None
        self.playback = PlaybackEstimate()
        self.has_spoken = False
        self.has_answered = False

    @property
    def active(self) -> str | None:
        """The id of the answer in the conversation."""
        return self._active

    def audible(self) -> bool:
        """Whether there is an answer that speech would interrupt: one that is made, or still being played."""
        return self._active is not None or self.playback.remaining(self._state.now) > 0

    def check_room(self, params: ResponseParams) -> None:
        """Raises ``InvalidRequest`` where another answer is in the way of one with ``params``."""
        self._config()
        if params.conversation != "none" and self._active is not None:
            raise InvalidRequest(
                f"Conversation already has an active response in progress: {self._active}. "
                "Wait until the response is finished before creating a new one.",
                code="conversation_already_has_active_response",
            )
        beside = len(self._running) - (self._active is not None)
        if params.conversation == "none" and beside >= MOST_AT_ONCE:
            raise InvalidRequest(
                f"Too many responses in progress: at most {MOST_AT_ONCE} may run beside the conversation. "
                "Wait until one of them is finished before creating a new one.",
                code="rate_limit_exceeded",
            )

    def create(self, params: ResponseParams = NO_PARAMS, items: tuple[Item, ...] | None = None) -> None:
        """Answer ``items``, or the conversation. Raises ``InvalidRequest`` where another answer is in the way."""
        self._begin(self._state.new_id("resp"), params, items)

    def adopt(self, response_id: str) -> None:
        """The answer to the conversation was prepared as ``response_id``."""
        self._begin(response_id, NO_PARAMS, None).asked = True
        self._state.do(Adopt(response_id=response_id))

    def say(self, interrupted: Interrupted) -> None:
        """Speak the rest of an answer that was interrupted."""
        response_id = self._state.new_id("resp")
        self._begin(response_id, NO_PARAMS, None).asked = True
        language = self._transcripts.language(self._state.items.all())
        rest, output = interrupted.rest, interrupted.output
        self._state.do(Say(response_id=response_id, text=rest, language=language, output=output))

    def fail(self, error: FailureBody) -> None:
        """The conversation cannot be answered."""
        self._end(self._begin(self._state.new_id("resp"), NO_PARAMS, None), Ending(status="failed", error=error))

    def recognised(self, item_id: str, text: str, error: FailureBody | None) -> None:
        """The words of an item are known, or there is an ``error``: answers that wait for them fail then."""
        for running in list(self._running.values()):
            items = running.items
            if running.asked or not any(item.id == item_id for item in items or self._state.items.all()):
                continue
            if items is not None:
                running.items = tuple(heard(item, text) if item.id == item_id else item for item in items)
            if error is not None:
                self._end(running, Ending(status="failed", error=error))

    def settle(self) -> None:
        """After every input: ask for the answers that wait for no words any more."""
        for response_id, running in self._running.items():
            if running.asked:
                continue
            items = self._state.items.for_model() if running.items is None else running.items
            if not self._transcripts.awaited(items):
                running.asked = True
                running.writer.goes_last()
                plan = plan_of(self._config(), running.params, items, self._transcripts.language(items))
                in_conversation = running.writer.head.in_conversation
                self._state.do(Answer(response_id=response_id, plan=plan, in_conversation=in_conversation))

    def cancel(self, response_id: str | None, reason: StopReason) -> None:
        """Stop an answer: the active one where no id is given. Raises ``InvalidRequest`` when there is none."""
        running = self._running.get(response_id or self._active or "")
        if running is None:
            raise InvalidRequest("Cancellation failed: no active response found", code="response_cancel_not_active")
        self._cancel(running, reason)

    def clear_playback(self) -> None:
        """The client wants to hear no more of what is played; an answer that is made goes on, unheard."""
        self._state.do(ClearPlayback())
        self._stop_playing()

    def interrupt(self) -> Interrupted | None:
        """The user speaks: stop the answer, and what is still played of one."""
        playing = self.playback.playing(self._state.now)
        running = self._running.get(self._active or "")
        message_id = playing if running is None else running.writer.message_id
        written = self._state.items.transcript(message_id) if running is None else running.writer.written
        params = NO_PARAMS if running is None else running.params
        if playing is not None:
            self._state.do(ClearPlayback())
        self._stop_playing()
        if running is not None:
            self._cancel(running, "turn_detected")
        rest = written.removeprefix(self._state.items.transcript(message_id))
        if not rest.strip() or modality_of(self._config(), params) == "text":
            return None
        return Interrupted(rest=rest, output=output_of(self._config(), params))

    def stop(self) -> None:
        """The session is over: so are all answers."""
        for running in list(self._running.values()):
            self._cancel(running, None)

    def truncate(self, item_id: str, audio_end_ms: int) -> int:
        """The client has played ``audio_end_ms`` of an item; how much that is at most."""
        spoken = self.playback.item(item_id)
        if spoken is None:
            return audio_end_ms
        end = min(audio_end_ms, round(spoken.sent_ms))
        active = self._running.get(self._active or "")
        if active is not None and active.writer.message_id == item_id:
            active.heard_ms = end
        else:
            self._cut(item_id, end)
        return end

    def told(self, event: inputs.AnswerInput) -> None:
        """The next piece of an answer; nothing happens if it was given up."""
        running = self._running.get(event.response_id)
        if running is None:
            return
        writer = running.writer
        match event:
            case inputs.TextFlagged():
                self._state.items.substitute(event.substitutes)
            case inputs.AnswerText():
                writer.text(event.text)
            case inputs.AnswerAudio():
                writer.audio(event.audio)
                self.has_spoken = True
                if writer.head.in_conversation and writer.message_id is not None:
                    self.playback.sent(writer.message_id, event.ms, event.begins, self._state.now)
            case inputs.ToolCallStarted():
                writer.call_started(event.call_id, event.name)
            case inputs.ToolCallDelta():
                writer.call_delta(event.call_id, event.arguments)
            case inputs.ToolCallFinished():
                writer.call_finished(event.call_id, event.arguments)
            case inputs.AnswerFinished():
                self._finished(running, event)
            case inputs.AnswerFailed():
                self._end(running, Ending(status="failed", error=event.error))
            case _:
                assert_never(event)

    def _begin(self, response_id: str, params: ResponseParams, items: tuple[Item, ...] | None) -> _Running:
        self.check_room(params)
        in_conversation = params.conversation != "none"
        config = self._config()
        head = ResponseHead(
            id=response_id,
            in_conversation=in_conversation,
            modality=modality_of(config, params),
            max_output_tokens=max_output_tokens_of(config, params),
            output=output_of(config, params),
            metadata=params.metadata,
        )
        running = _Running(ResponseWriter(self._state, head), params, items)
        self._running[response_id] = running
        if in_conversation:
            self._active = response_id
        return running

    def _finished(self, running: _Running, event: inputs.AnswerFinished) -> None:
        reasons: dict[str, StopReason] = {"length": "max_output_tokens", "content_filter": "content_filter"}
        reason = reasons.get(event.reason)
        usage = None
        if event.usage is not None:
            usage, self._state.speculative_tokens = Usage.of(event.usage, self._state.speculative_tokens), 0
        self._end(running, Ending(status="incomplete" if reason else "completed", reason=reason, usage=usage))
        if event.rate_limits:
            self._state.send(RateLimitsUpdated(event_id=self._state.event_id(), rate_limits=list(event.rate_limits)))

    def _stop_playing(self) -> None:
        """Nothing more is heard of what was sent, nor of what is still made: history keeps what can have been heard."""
        now, playing = self._state.now, self.playback.playing(self._state.now)
        running = self._running.get(self._active or "")
        message_id = None if running is None else running.writer.message_id
        if playing is not None and playing != message_id:
            self._cut(playing, self.playback.heard_ms(playing, now))
        if running is not None and running.heard_ms is None:
            running.heard_ms = 0 if message_id is None else self.playback.heard_ms(message_id, now)
        self.playback.stop(now)

    def _cancel(self, running: _Running, reason: StopReason | None) -> None:
        if running.asked:
            self._state.do(Cancel(response_id=running.writer.head.id))
        self._end(running, Ending(status="cancelled", reason=reason))

    def _end(self, running: _Running, ending: Ending) -> None:
        writer = running.writer
        writer.finish(ending)
        del self._running[writer.head.id]
        self._forget_unlisted(running)
        if not writer.head.in_conversation:
            return
        self._active = None
        self.has_answered = True
        if writer.message_id is not None and writer.head.modality == "audio":
            self._keep_heard(writer.message_id, running.heard_ms, whole=ending.status in ("completed", "incomplete"))

    def _forget_unlisted(self, running: _Running) -> None:
        """An answer leaves nothing behind that is not in the conversation."""
        for item_id in (*(item.id for item in running.items or ()), running.writer.message_id):
            if item_id is not None and item_id not in self._state.items:
                self._transcripts.forget(item_id)
                self._state.do(ForgetAudio(item_id=item_id))

    def _keep_heard(self, item_id: str, heard_ms: int | None, *, whole: bool) -> None:
        """History keeps what was heard of a message, if that is known, else what was sent of it."""
        spoken = self.playback.item(item_id)
        if whole and spoken is not None:
            spoken.finish()
        if heard_ms is not None:
            self._cut(item_id, heard_ms)
            self.playback.stop(self._state.now)
        elif not whole:
            self._cut(item_id, 0 if spoken is None else round(spoken.sent_ms))

    def _cut(self, item_id: str, ms: int) -> None:
        """History keeps of the item what is spoken in its first ``ms``."""
        item, spoken = self._state.items.get(item_id), self.playback.item(item_id)
        if item is not None:
            self._state.items.replace(heard(item, "" if spoken is None else spoken.text_within(ms)))

    def _config(self) -> RealtimeSession:
        if (config := self._state.answering) is None:
            raise InvalidRequest(
                "A transcription session has no responses; connect with ?model= for a session that answers.",
                param="type",
                code="invalid_value",
            )
        return config
