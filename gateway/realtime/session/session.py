"""The realtime session as a state machine: an input in, commands out; no I/O, no clock, no ids of its own."""

from collections.abc import Callable
from typing import assert_never

from adapters.contract.errors import InvalidRequest
from gateway.realtime.protocol.client_events import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemTruncate,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    OutputAudioBufferClear,
    ResponseCancel,
    ResponseCreate,
    ResponseParams,
    SessionUpdate,
)
from gateway.realtime.protocol.server_events import (
    Conversation,
    ConversationCreated,
    SessionCreated,
    SessionUpdated,
)
from gateway.realtime.session.commands import Close, Command, Listen, Remember
from gateway.realtime.session.inputs import (
    AnswerAudio,
    AnswerFailed,
    AnswerFinished,
    AnswerText,
    AudioAppended,
    Closed,
    Expired,
    HandledEvent,
    Input,
    Opened,
    PreparationLost,
    Prepared,
    Refused,
    Shortened,
    TextFlagged,
    TimerFired,
    ToolCallDelta,
    ToolCallFinished,
    ToolCallStarted,
    TranscriptDelta,
    TranscriptFailed,
    TranscriptFinished,
    TurnEnded,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
)
from gateway.realtime.session.item_requests import ItemRequests
from gateway.realtime.session.policy import Opening
from gateway.realtime.session.responses import Responses
from gateway.realtime.session.session_state import SessionState
from gateway.realtime.session.session_update import check_parameters, updated
from gateway.realtime.session.transcripts import ItemTranscripts
from gateway.realtime.session.turn_taking import TurnTaking


class Session:
    """One session. ``new_id`` makes an id that was never there, given what it is for ("event", "item", "resp").

    ``handle`` never raises for what a client does: it is told of its mistakes. After ``Closed`` and after the command
    ``Close`` there are no more commands.
    """

    def __init__(self, opening: Opening, new_id: Callable[[str], str]) -> None:
        self._state = SessionState(opening, new_id)
        self._transcripts = ItemTranscripts(self._state)
        self._responses = Responses(self._state, self._transcripts)
        self._turns = TurnTaking(self._state, self._transcripts, self._responses)
        self._item_requests = ItemRequests(self._state, self._transcripts, self._responses)
        self._is_over = False

    def appended(self, total_ms: int) -> bool:
        """There are ``total_ms`` of input audio; whether ``AudioAppended`` is to be handled, which is seldom."""
        return self._turns.appended(total_ms)

    def handle(self, event: Input, now: float) -> list[Command]:
        """What is to be done about ``event``, in order; ``now`` is its time, in seconds of a monotonic clock."""
        if self._is_over:
            return []
        self._state.now = now
        may_be_due = True
        match event:
            case Opened():
                self._open()
            case AudioAppended():
                may_be_due = self._turns.appended(event.total_ms)
                self._turns.begin_undetected()
            case Expired() | Closed():
                self._end(event)
            case (
                TextFlagged()
                | AnswerText()
                | AnswerAudio()
                | ToolCallStarted()
                | ToolCallDelta()
                | ToolCallFinished()
                | AnswerFinished()
                | AnswerFailed()
            ):
                self._responses.told(event)
            case VoiceStarted() | VoicePaused() | VoiceResumed() | TurnEnded():
                self._turns.voice(event)
            case TranscriptDelta():
                self._turns.delta(event)
            case TranscriptFinished() | TranscriptFailed():
                self._recognised(event)
            case Prepared() | PreparationLost():
                self._turns.ahead.told(event)
            case TimerFired() | Shortened():
                self._note(event)
            case _:
                self._client_event(event)
        if may_be_due and not self._is_over:
            self._settle()
        return self._state.take()

    def _open(self) -> None:
        state = self._state
        state.send(SessionCreated(event_id=state.event_id(), session=state.config))
        if state.answering is not None:
            conversation = Conversation(id=state.conversation_id)
            state.send(ConversationCreated(event_id=state.event_id(), conversation=conversation))
        self._listen()

    def _client_event(self, event: HandledEvent | Refused) -> None:
        """Do what the client asks, or tell it why that cannot be done."""
        try:
            self._do(event)
        except InvalidRequest as error:
            self._state.refuse(error, event.event_id)

    def _do(self, event: HandledEvent | Refused) -> None:
        match event:
            case Refused():
                raise InvalidRequest(event.message, param=event.param, code=event.code)
            case SessionUpdate():
                self._update(event)
            case InputAudioBufferCommit():
                self._turns.commit()
            case InputAudioBufferClear():
                self._turns.clear()
            case OutputAudioBufferClear():
                self._responses.clear_playback()
            case (
                ConversationItemCreate()
                | ConversationItemRetrieve()
                | ConversationItemTruncate()
                | ConversationItemDelete()
            ):
                self._item_requests.handle(event)
            case ResponseCreate():
                self._create_response(event.response or ResponseParams())
            case ResponseCancel():
                self._responses.cancel(event.response_id, "client_cancelled")
            case _:
                assert_never(event)

    def _update(self, event: SessionUpdate) -> None:
        state, before = self._state, self._state.config.audio.input
        state.config = updated(state.config, event.session, state.policy, has_spoken=self._responses.has_spoken)
        state.send(SessionUpdated(event_id=state.event_id(), session=state.config))
        after = state.config.audio.input
        if after.format != before.format:
            self._turns.drop_audio()
        if (after.format, after.turn_detection) != (before.format, before.turn_detection):
            self._listen()
        if (before.turn_detection is None) != (after.turn_detection is None):
            self._turns.detection_changed()

    def _create_response(self, params: ResponseParams) -> None:
        self._responses.check_room(params)
        check_parameters(params.tools or (), "response.tools")
        items = None if params.input is None else self._item_requests.input_of(params.input)
        if params.conversation != "none":
            self._turns.answered()
        self._responses.create(params, items)

    def _recognised(self, event: TranscriptFinished | TranscriptFailed) -> None:
        self._turns.recognised(event)
        if self._transcripts.finished(event):
            text = event.text if isinstance(event, TranscriptFinished) else ""
            error = event.error if isinstance(event, TranscriptFailed) else None
            self._responses.recognised(event.item_id, text, error)

    def _note(self, event: TimerFired | Shortened) -> None:
        """Nobody has said anything for a time, or the conversation was stored."""
        if isinstance(event, Shortened):
            self._state.items.shorten(event.summary, event.left_out)
        else:
            self._turns.idle()

    def _settle(self) -> None:
        """After every input: what has become due, the bounds of the conversation, and what is to be remembered."""
        state = self._state
        self._turns.settle()
        for item_id in state.items.drop_oldest():
            self._item_requests.dropped(item_id)
        self._responses.settle()
        if state.items.changed and self._responses.active is None and not self._transcripts.awaited(state.items.all()):
            self._remember()

    def _remember(self) -> None:
        state = self._state
        if state.policy.remembers and state.items.changed:
            state.do(Remember(items=state.items.all(), deleted=frozenset(state.items.deleted)))
        state.items.changed = False

    def _listen(self) -> None:
        given = self._state.config.audio.input
        self._state.do(Listen(format=given.format, turn_detection=given.turn_detection))

    def _end(self, event: Expired | Closed) -> None:
        """The session is over. Nothing is sent any more where nobody is there to read it."""
        self._is_over = True
        self._state.is_heard = isinstance(event, Expired)
        self._turns.ahead.discard()
        self._responses.stop()
        self._remember()
        if isinstance(event, Expired):
            self._state.refuse(InvalidRequest(event.message, code=event.code), None)
            self._state.do(Close(code=event.close_code, reason=event.code))
