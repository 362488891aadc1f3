"""The user's message of a turn: what was heard, the images shown, and a hint that is not remembered."""

import msgspec

from adapters.contract import llm
from gateway.languages import english_name
from gateway.pipeline.listen import RecordingFinished, TranscriptFinished


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the user says: ``heard`` is the transcript or the recording, ``hint`` text for this turn only."""

    role: str
    heard: llm.Text | llm.Audio | None
    hint: llm.Text | None
    images: tuple[llm.Image, ...]

    @property
    def asked(self) -> tuple[llm.Message, ...]:
        """The message for the model; none when the history already ends in what is to be answered."""
        return self._message(self.heard, self.hint, *self.images)

    @property
    def remembered(self) -> tuple[llm.Message, ...]:
        """The message for the history."""
        return self._message(self.heard, *self.images)

    def _message(self, *parts: llm.Part | None) -> tuple[llm.Message, ...]:
        present = tuple(part for part in parts if part is not None)
        return (llm.Message(role=self.role, parts=present),) if present else ()


def heard_part(listened: TranscriptFinished | RecordingFinished | None) -> llm.Text | llm.Audio | None:
    """What was heard, as a part of the user's message."""
    match listened:
        case TranscriptFinished():
            return llm.Text(text=listened.text)
        case RecordingFinished():
            return listened.recording
        case _:
            return None


def language_hint(language: str | None) -> llm.Text | None:
    """The request to answer in ``language`` (ISO 639-1), ``None`` for one without a known name."""
    name = english_name(language) if language else None
    return llm.Text(text=f"Please reply to my message in {name}.") if name else None
