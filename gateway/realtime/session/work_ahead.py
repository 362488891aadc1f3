"""Work ahead: in a pause that may be the end of a turn, the answer is prepared before that is certain."""

from collections import deque

import msgspec

from gateway.realtime.protocol.items import InputAudio, MessageItem
from gateway.realtime.session.answer_plan import NO_PARAMS, modality_of, plan_of
from gateway.realtime.session.commands import AnswerPlan, Discard, Prepare, Reach
from gateway.realtime.session.inputs import PreparationLost, Prepared
from gateway.realtime.session.session_state import SessionState
from gateway.realtime.session.transcripts import ItemTranscripts

PAUSES = 10
"""So many pauses of a speaker are looked back at."""

FEWEST_PAUSES = 3
"""Fewer say nothing about a speaker."""


class _Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What is being prepared; ``words`` are those that it answers, once they are known."""

    response_id: str
    item_id: str
    plan: AnswerPlan | None
    words: str | None = None


class WorkAhead:
    """At most one attempt at a time, and one a pause.

    With speakers in whose turns there are many pauses it rests: while most of the last pauses did not end the turn.
    Those in which nothing was tried count as well, so that it comes back by itself.
    """

    def __init__(self, state: SessionState, transcripts: ItemTranscripts) -> None:
        self._state = state
        self._transcripts = transcripts
        self._attempt: _Attempt | None = None
        self._in_pause = False
        self._ended_turn: deque[bool] = deque(maxlen=PAUSES)

    def paused(self, item_id: str, start_ms: int, end_ms: int, *, answered: bool) -> None:
        """The turn of the item ``item_id`` may be over; ``answered``: if it is, it is answered at once."""
        self._in_pause = True
        reach = self._reach(answered)
        if reach == "off" or self._attempt is not None or not self._is_worthwhile():
            return
        config = self._state.answering
        plan = None
        if reach != "stt" and config is not None:
            items = self._state.items.for_model()
            plan = plan_of(config, NO_PARAMS, (*items, spoken_item(item_id)), self._transcripts.language(items))
        self._attempt = _Attempt(response_id=self._state.new_id("resp"), item_id=item_id, plan=plan)
        self._state.do(
            Prepare(
                response_id=self._attempt.response_id,
                item_id=item_id,
                start_ms=start_ms,
                end_ms=end_ms,
                reach=reach,
                plan=plan,
            )
        )

    def resumed(self) -> None:
        """The turn was not over."""
        self._note(ended_turn=False)
        self.discard()

    def ended(self) -> None:
        """The turn is over."""
        self._note(ended_turn=True)

    def told(self, event: Prepared | PreparationLost) -> None:
        """The words that the attempt answers are known; or it is lost, and the turn is answered without it."""
        attempt = self._attempt
        is_current = attempt is not None and event.response_id == attempt.response_id
        if isinstance(event, PreparationLost):
            self._state.speculative_tokens += event.tokens
            self._attempt = None if is_current else attempt
        elif attempt is not None and is_current:
            plan = attempt.plan and msgspec.structs.replace(attempt.plan, language=event.language)
            self._attempt = msgspec.structs.replace(attempt, words=event.transcript, plan=plan)

    def discard(self) -> None:
        """Throw the attempt away."""
        if self._attempt is not None:
            self._state.do(Discard(response_id=self._attempt.response_id))
            self._attempt = None

    def is_undecided(self, item_id: str) -> bool:
        """Whether the words that the attempt answers come at any moment, as those of ``item_id`` have come."""
        attempt = self._attempt
        if attempt is None or attempt.item_id != item_id or attempt.plan is None:
            return False
        return attempt.words is None and self._state.policy.recognises

    def take(self, item_id: str) -> str | None:
        """The attempt's id, if it answers what would be asked now, the turn ``item_id`` last; else discard it."""
        attempt = self._attempt
        if attempt is not None and attempt.item_id == item_id and self._answers_now(attempt):
            self._attempt = None
            return attempt.response_id
        self.discard()
        return None

    def _answers_now(self, attempt: _Attempt) -> bool:
        config, items = self._state.answering, self._state.items.for_model()
        if config is None or not items or items[-1].id != attempt.item_id:
            return False
        if self._state.policy.recognises:
            said = self._state.items.transcript(attempt.item_id)
            if attempt.words is None or said.split() != attempt.words.split():
                return False
        language = self._transcripts.language(items)
        return attempt.plan == plan_of(config, NO_PARAMS, (*items[:-1], spoken_item(attempt.item_id)), language)

    def _reach(self, answered: bool) -> Reach:
        """How far work may go now: to the model only where what it is asked is known but for the last words."""
        policy, config = self._state.policy, self._state.answering
        reach = policy.reach
        if config is None or not answered or self._transcripts.awaited(self._state.items.all()):
            reach = "stt" if reach != "off" else reach
        elif reach == "tts" and modality_of(config, NO_PARAMS) == "text":
            reach = "llm"
        return "off" if reach == "stt" and not policy.recognises else reach

    def _is_worthwhile(self) -> bool:
        wasted = self._ended_turn.count(False)
        return len(self._ended_turn) < FEWEST_PAUSES or wasted * 2 <= len(self._ended_turn)

    def _note(self, *, ended_turn: bool) -> None:
        if self._in_pause:
            self._ended_turn.append(ended_turn)
        self._in_pause = False


def spoken_item(item_id: str, transcript: str | None = None) -> MessageItem:
    """What the user said, as an item."""
    return MessageItem(id=item_id, role="user", content=[InputAudio(transcript=transcript)])
