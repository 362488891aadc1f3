"""The idle timeout: a user who says nothing after an answer is spoken to again."""

from gateway.realtime.protocol.items import InputAudio, MessageItem
from gateway.realtime.protocol.session_config import ServerVad
from gateway.realtime.session.commands import CancelTimer, SetTimer
from gateway.realtime.session.responses import Responses
from gateway.realtime.session.session_state import SessionState
from gateway.realtime.session.transcripts import ItemTranscripts


class IdleTimeout:
    """Runs its timer from when an answer is played until the user speaks, or something else waits for an answer."""

    def __init__(self, state: SessionState, transcripts: ItemTranscripts, responses: Responses) -> None:
        self._state = state
        self._transcripts = transcripts
        self._responses = responses
        self._runs = False

    def settle(self, *, is_silent: bool) -> None:
        """After every input: the timer begins or ends; ``is_silent``: the user does not speak."""
        timeout_ms = self._timeout_ms() if is_silent and self._is_answered() else None
        if timeout_ms is not None and not self._runs:
            seconds = self._responses.playback.remaining(self._state.now) + timeout_ms / 1000
            self._state.do(SetTimer(name="idle_timeout", seconds=seconds))
        elif timeout_ms is None and self._runs:
            self._state.do(CancelTimer(name="idle_timeout"))
        self._runs = timeout_ms is not None

    def fired(self) -> int | None:
        """The timer is over; the milliseconds that the user has said nothing, unless it was cancelled meanwhile."""
        ran, self._runs = self._runs, False
        return self._timeout_ms() if ran else None

    def _timeout_ms(self) -> int | None:
        detection = self._state.turn_detection
        return detection.idle_timeout_ms if isinstance(detection, ServerVad) else None

    def _is_answered(self) -> bool:
        """Whether an answer of this session is the last of the conversation, noise of the user aside."""
        if not self._responses.has_answered or self._responses.active is not None:
            return False
        for item in reversed(self._state.items.all()):
            if not isinstance(item, MessageItem):  # a call of which the client has the result, or which it answers next
                return False
            if item.role == "assistant":
                return True
            if not self._is_noise(item):
                return False
        return False

    def _is_noise(self, item: MessageItem) -> bool:
        """Whether the recogniser found no word in what the user said."""
        return (
            self._state.policy.recognises
            and not self._transcripts.awaited((item,))
            and all(isinstance(part, InputAudio) and not (part.transcript or "").strip() for part in item.content)
        )
