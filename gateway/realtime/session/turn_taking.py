"""Turn taking: when the user's speech becomes an item, when it interrupts an answer, and when it is answered."""

from adapters.contract.errors import InvalidRequest
from gateway.realtime.protocol.server_events import (
    AudioCleared,
    AudioCommitted,
    ItemAdded,
    ItemDone,
    SpeechStarted,
    SpeechStopped,
    TimeoutTriggered,
)
from gateway.realtime.protocol.session_config import ServerVad
from gateway.realtime.session.commands import ClearAudio, CommitAudio, ForgetAudio
from gateway.realtime.session.idle_timeout import IdleTimeout
from gateway.realtime.session.inputs import (
    TranscriptDelta,
    TranscriptFailed,
    TranscriptFinished,
    TurnEnded,
    VoiceInput,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
)
from gateway.realtime.session.playback import Interrupted
from gateway.realtime.session.responses import Responses
from gateway.realtime.session.session_state import SessionState
from gateway.realtime.session.transcripts import ItemTranscripts
from gateway.realtime.session.turn import SpokenTurn
from gateway.realtime.session.work_ahead import WorkAhead, spoken_item

SHORTEST_COMMIT_MS = 100
PADDING_MS = 300
"""Audio before the voice that belongs to a turn, where the client cannot say how much."""


class TurnTaking:
    """The input audio buffer and the turn that is being spoken.

    ``_turn`` is what the user is saying; without turn detection, all that is in the buffer. A turn that may be no more
    than "mm-hmm" during an answer is not told of until it is long enough; ``_weighed`` are those that have ended so,
    and whose words decide. ``_owed`` are the turns that nobody has answered yet, though they are to be.
    """

    def __init__(self, state: SessionState, transcripts: ItemTranscripts, responses: Responses) -> None:
        self._state = state
        self._transcripts = transcripts
        self._responses = responses
        self.ahead = WorkAhead(state, transcripts)
        self._idle = IdleTimeout(state, transcripts, responses)
        self._buffer_start_ms = 0
        self._turn: SpokenTurn | None = None
        self._weighed: dict[str, SpokenTurn] = {}
        self._owed: list[str] = []
        self._interrupted: Interrupted | None = None

    def appended(self, total_ms: int) -> bool:
        """There is more audio; whether anything may have become due by it, or a turn begins."""
        self._state.total_ms = total_ms
        turn = self._turn
        return self._state.turn_detection is None if turn is None else turn.heard and not turn.told

    def begin_undetected(self) -> None:
        """Without turn detection, the first audio begins a turn."""
        if self._turn is None and self._state.turn_detection is None:
            self._begin(self._buffer_start_ms)

    def commit(self) -> None:
        """The client says that its turn is over. Raises ``InvalidRequest`` where there is too little audio for one."""
        end_ms = self._state.total_ms
        length = end_ms - self._buffer_start_ms
        if length < SHORTEST_COMMIT_MS:
            raise InvalidRequest(
                "Error committing input audio buffer: buffer too small. "
                f"Expected at least {SHORTEST_COMMIT_MS}ms of audio, but buffer only has {length:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        turn = self._turn or SpokenTurn(self._state.new_id("item"), self._buffer_start_ms)
        self.ahead.discard()
        if turn.told:
            self._tell_stopped(turn, end_ms)
        self._turn = None
        self._tell_committed(turn, end_ms)
        self._transcripts.finish(turn.item_id)

    def clear(self) -> None:
        """The client takes back what is in the buffer."""
        self.drop_audio()
        self._state.send(AudioCleared(event_id=self._state.event_id()))

    def drop_audio(self) -> None:
        """What is in the buffer becomes no item."""
        if self._turn is not None and self._turn.told:
            self._tell_stopped(self._turn, self._state.total_ms)
        self._drop_turn()
        self._clear_audio(self._state.total_ms)

    def detection_changed(self) -> None:
        """The client begins or ceases to say when turns end: one that it was told of goes on, for it to end."""
        if self._turn is not None and not self._turn.told:
            self._drop_turn()
        self.ahead.discard()

    def answered(self) -> None:
        """The client has asked for an answer itself: it is one to all that was said so far."""
        self._owed.clear()
        self._interrupted = None
        self.ahead.discard()

    def voice(self, event: VoiceInput) -> None:
        """What the ears heard; nothing happens where the client itself says when turns end."""
        if self._state.turn_detection is None:
            return
        match event, self._turn:
            case VoiceStarted(), None:
                self._begin(max(self._buffer_start_ms, event.at_ms - self._padding_ms())).voice_from(event.at_ms)
            case VoicePaused(), SpokenTurn() as turn:
                turn.voice_to(event.at_ms)
                if turn.told:
                    answered = self._answers_turns() and self._responses.active is None
                    self.ahead.paused(turn.item_id, turn.start_ms, event.at_ms, answered=answered)
            case VoiceResumed(), SpokenTurn() as turn:
                turn.voice_from(event.at_ms)
                self.ahead.resumed()
            case TurnEnded(), SpokenTurn() as turn:
                self._end(turn, event.at_ms)

    def delta(self, event: TranscriptDelta) -> None:
        """More words of a turn: they are shown once the client knows of the turn."""
        turn = self._turn if self._turn and self._turn.item_id == event.item_id else self._weighed.get(event.item_id)
        if turn is not None and not turn.told:
            turn.deltas.append(event.text)
        elif turn is not None or self._transcripts.is_awaited(event.item_id):
            self._transcripts.delta(event.item_id, event.text)

    def recognised(self, result: TranscriptFinished | TranscriptFailed) -> None:
        """All words of a turn are known: decide about one that was weighed."""
        turn = self._weighed.pop(result.item_id, None)
        if turn is None:
            return
        text = result.text if isinstance(result, TranscriptFinished) else ""
        least = self._state.policy.least_speech_words if self._responses.audible() else 1
        if len(text.split()) < least:
            self._transcripts.forget(turn.item_id)
            self._state.do(ForgetAudio(item_id=turn.item_id))
            return
        assert turn.end_ms is not None, "a turn is weighed when it is over"
        self._tell_started(turn)
        self._tell_stopped(turn, turn.end_ms)
        self._tell_committed(turn, turn.end_ms)
        self._owe(turn)

    def idle(self) -> None:
        """The user has said nothing for as long as the client allows: the model speaks again."""
        state = self._state
        if (timeout_ms := self._idle.fired()) is None:
            return
        start_ms = max(self._buffer_start_ms, state.total_ms - timeout_ms)
        turn = SpokenTurn(state.new_id("item"), start_ms)
        state.send(
            TimeoutTriggered(
                event_id=state.event_id(), audio_start_ms=start_ms, audio_end_ms=state.total_ms, item_id=turn.item_id
            )
        )
        self._tell_committed(turn, state.total_ms, transcript="")
        self._responses.create()

    def settle(self) -> None:
        """After every input: tell of a turn that has become long enough, and answer what is owed."""
        turn = self._turn
        if turn is not None and turn.heard and not turn.told and self._is_enough(turn):
            self._tell_started(turn)
        if self._owed and self._responses.active is None and not self._is_spoken_over():
            self._answer()
        self._idle.settle(is_silent=self._turn is None and not self._weighed)

    def _begin(self, start_ms: int) -> SpokenTurn:
        self._turn = SpokenTurn(self._state.new_id("item"), start_ms)
        self._transcripts.start(self._turn.item_id, start_ms)
        return self._turn

    def _end(self, turn: SpokenTurn, end_ms: int) -> None:
        """The ears say that the turn is over."""
        turn.voice_to(end_ms)
        self._turn = None
        if turn.told:
            self.ahead.ended()
            self._tell_stopped(turn, end_ms)
            self._tell_committed(turn, end_ms)
            self._transcripts.finish(turn.item_id)
            self._owe(turn)
        elif self._may_be_enough(turn):
            self._weighed[turn.item_id] = turn
            self._take_audio(turn, end_ms)
            self._transcripts.finish(turn.item_id)
        else:
            self._transcripts.drop(turn.item_id)
            self._clear_audio(end_ms)

    def _is_enough(self, turn: SpokenTurn) -> bool:
        """Whether the turn is more than "mm-hmm"; that is of interest only while there is an answer to interrupt."""
        policy = self._state.policy
        if not self._responses.audible():
            return True
        long_enough = turn.voiced_until(self._state.total_ms) >= policy.least_speech_ms
        return long_enough and len("".join(turn.deltas).split()) >= policy.least_speech_words

    def _may_be_enough(self, turn: SpokenTurn) -> bool:
        """Whether the turn, though over, can still have enough words: few recognisers tell words while they listen."""
        policy = self._state.policy
        return policy.recognises and policy.least_speech_words > 0 and turn.voiced_ms >= policy.least_speech_ms

    def _is_spoken_over(self) -> bool:
        """Whether the user speaks, and would interrupt an answer that began now."""
        return self._turn is not None and self._turn.told and self._interrupts()

    def _padding_ms(self) -> int:
        detection = self._state.turn_detection
        return detection.prefix_padding_ms if isinstance(detection, ServerVad) else PADDING_MS

    def _interrupts(self) -> bool:
        detection = self._state.turn_detection
        return detection is not None and detection.interrupt_response

    def _answers_turns(self) -> bool:
        detection = self._state.turn_detection
        return detection is not None and detection.create_response and self._state.answering is not None

    def _owe(self, turn: SpokenTurn) -> None:
        if self._answers_turns():
            self._owed.append(turn.item_id)

    def _answer(self) -> None:
        """Answer the turns that are owed one, once their words are known; noise is not answered."""
        state, items = self._state, self._state.items
        if self._transcripts.awaited(items.all()) or self.ahead.is_undecided(self._owed[-1]):
            return
        owed, self._owed = self._owed, []
        failures = [failure for item_id in owed if (failure := self._transcripts.failure(item_id)) is not None]
        if failures:
            self.ahead.discard()
            self._responses.fail(failures[0])
        elif state.policy.recognises and not any(items.transcript(item_id).strip() for item_id in owed):
            self.ahead.discard()
            if self._interrupted is not None and state.policy.resumes:
                self._responses.say(self._interrupted)
        elif (response_id := self.ahead.take(owed[-1])) is not None:
            self._responses.adopt(response_id)
        else:
            self._responses.create()
        self._interrupted = None

    def _drop_turn(self) -> None:
        self.ahead.discard()
        if self._turn is not None:
            self._transcripts.drop(self._turn.item_id)
            self._turn = None

    def _tell_started(self, turn: SpokenTurn) -> None:
        """The user speaks, and is heard to: what was being answered is over."""
        state = self._state
        turn.told = True
        self.ahead.discard()
        event_id = state.event_id()
        state.send(SpeechStarted(event_id=event_id, audio_start_ms=turn.start_ms, item_id=turn.item_id))
        if self._interrupts() and self._responses.audible() and state.answering is not None:
            self._interrupted = self._responses.interrupt() or self._interrupted
        for text in turn.deltas:
            self._transcripts.delta(turn.item_id, text)

    def _tell_stopped(self, turn: SpokenTurn, end_ms: int) -> None:
        event_id = self._state.event_id()
        self._state.send(SpeechStopped(event_id=event_id, audio_end_ms=end_ms, item_id=turn.item_id))

    def _tell_committed(self, turn: SpokenTurn, end_ms: int, transcript: str | None = None) -> None:
        """The turn is an item of the conversation now."""
        state = self._state
        if turn.end_ms is None:
            self._take_audio(turn, end_ms)
        item = spoken_item(turn.item_id, transcript)
        previous = state.items.add(item)
        state.send(AudioCommitted(event_id=state.event_id(), previous_item_id=previous, item_id=item.id))
        state.send(ItemAdded(event_id=state.event_id(), previous_item_id=previous, item=item))
        state.send(ItemDone(event_id=state.event_id(), previous_item_id=previous, item=item))
        if not turn.told:
            for text in turn.deltas:
                self._transcripts.delta(turn.item_id, text)

    def _take_audio(self, turn: SpokenTurn, end_ms: int) -> None:
        turn.end_ms = self._buffer_start_ms = end_ms
        self._state.do(CommitAudio(item_id=turn.item_id, start_ms=turn.start_ms, end_ms=end_ms))

    def _clear_audio(self, end_ms: int) -> None:
        self._buffer_start_ms = end_ms
        self._state.do(ClearAudio(end_ms=end_ms))
