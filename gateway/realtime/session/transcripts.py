"""The words of what the user says: which are awaited, and what the client is told of them."""

from collections.abc import Iterable

from gateway.realtime.protocol.items import Item
from gateway.realtime.protocol.response_events import FailureBody
from gateway.realtime.protocol.server_events import (
    DurationUsage,
    TranscriptionCompleted,
    TranscriptionDelta,
    TranscriptionFailed,
)
from gateway.realtime.protocol.session_config import InputTranscription, SemanticVad
from gateway.realtime.session.commands import DropTranscript, FinishTranscript, Recognition, StartTranscript
from gateway.realtime.session.conversation_items import heard
from gateway.realtime.session.inputs import TranscriptFailed, TranscriptFinished
from gateway.realtime.session.session_state import SessionState

NO_RECOGNISER = FailureBody(
    type="invalid_request_error",
    code="transcription_unavailable",
    message="This model hears audio itself: there is no recogniser that could write a transcript of it.",
)


class ItemTranscripts:
    """Recognition of the session's items. Where the route has no recogniser, nothing is awaited."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._awaited: set[str] = set()
        self._failures: dict[str, FailureBody] = {}
        self._languages: dict[str, str] = {}

    def recognition(self) -> Recognition:
        """How speech is recognised, as the client wants it; in pauses for work ahead, or to judge whether they end."""
        state = self._state
        wanted = state.config.audio.input.transcription or InputTranscription()
        return Recognition(
            language=wanted.language,
            prompt=wanted.prompt,
            keywords=tuple(wanted.keywords or ()),
            in_pauses=state.policy.reach != "off" or isinstance(state.turn_detection, SemanticVad),
        )

    def start(self, item_id: str, start_ms: int) -> None:
        """Recognise what comes in from ``start_ms`` on."""
        if self._state.policy.recognises:
            self._state.do(StartTranscript(item_id=item_id, start_ms=start_ms, recognition=self.recognition()))

    def drop(self, item_id: str) -> None:
        """Nobody waits for the item's words any more."""
        self._awaited.discard(item_id)
        if self._state.policy.recognises:
            self._state.do(DropTranscript(item_id=item_id))

    def finish(self, item_id: str) -> None:
        """The item's audio is complete: await its words."""
        if self._state.policy.recognises:
            self._awaited.add(item_id)
            self._state.do(FinishTranscript(item_id=item_id, recognition=self.recognition()))
        elif self._state.shows_transcripts and item_id in self._state.items:
            self._tell_failure(item_id, NO_RECOGNISER)

    def is_awaited(self, item_id: str) -> bool:
        """Whether the words of an item of the conversation are still awaited."""
        return item_id in self._awaited and item_id in self._state.items

    def awaited(self, items: Iterable[Item]) -> bool:
        """Whether the words of any of ``items`` are still awaited."""
        return bool(self._awaited) and not self._awaited.isdisjoint([item.id for item in items])

    def forget(self, item_id: str) -> None:
        """The item is gone."""
        self._awaited.discard(item_id)
        self._failures.pop(item_id, None)
        self._languages.pop(item_id, None)

    def language(self, items: Iterable[Item]) -> str | None:
        """The language (ISO 639-1) that was heard last in ``items``."""
        heard_in = [self._languages[item.id] for item in items if item.id in self._languages]
        return heard_in[-1] if heard_in else None

    def failure(self, item_id: str) -> FailureBody | None:
        """Why the item could not be recognised; told once."""
        return self._failures.pop(item_id, None)

    def delta(self, item_id: str, text: str) -> None:
        """Show the next words."""
        if self._state.shows_transcripts:
            event_id, index = self._state.event_id(), self._state.items.recording_index(item_id)
            self._state.send(TranscriptionDelta(event_id=event_id, item_id=item_id, content_index=index, delta=text))

    def finished(self, result: TranscriptFinished | TranscriptFailed) -> bool:
        """The item's words are known, or never will be; whether anybody waited for them."""
        if result.item_id not in self._awaited:
            return False
        self._awaited.remove(result.item_id)
        state = self._state
        text = result.text if isinstance(result, TranscriptFinished) else ""
        if (item := state.items.get(result.item_id)) is not None:
            state.items.replace(heard(item, text))
        if isinstance(result, TranscriptFinished) and text.strip() and result.language is not None:
            self._languages[result.item_id] = result.language
        if isinstance(result, TranscriptFailed):
            self._failures[result.item_id] = result.error
            if item is not None and state.shows_transcripts:
                self._tell_failure(result.item_id, result.error)
        elif item is not None and state.shows_transcripts:
            usage = DurationUsage(seconds=result.seconds)
            state.send(
                TranscriptionCompleted(
                    event_id=state.event_id(),
                    item_id=item.id,
                    content_index=state.items.recording_index(item.id),
                    transcript=text,
                    usage=usage,
                )
            )
        return True

    def _tell_failure(self, item_id: str, error: FailureBody) -> None:
        event_id, index = self._state.event_id(), self._state.items.recording_index(item_id)
        self._state.send(TranscriptionFailed(event_id=event_id, item_id=item_id, content_index=index, error=error))
