"""The user's message of a turn: what was heard and in which language, images, and a hint that is not remembered."""

from collections.abc import Callable

import msgspec

from adapters.contract import llm
from gateway.conversation.conversation import Languages
from gateway.conversation.normal_form import SYSTEM_ROLES
from gateway.languages import english_name
from gateway.pipeline.listen import RecordingFinished, TranscriptFinished


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the user says: ``heard`` is the transcript or the recording, ``hint`` text for this turn only.

    ``languages`` are those of the whole turn.
    """

    role: str
    languages: Languages
    heard: llm.Text | llm.Audio | None
    hint: llm.Text | None
    images: tuple[llm.Image, ...]

    @property
    def message(self) -> tuple[llm.Message, ...]:
        """The message for the history; none when that already ends in what is to be answered."""
        parts = (*(() if self.heard is None else (self.heard,)), *self.images)
        return (llm.Message(role=self.role, parts=parts),) if parts else ()

    def with_heard(self, change: Callable[[llm.Text | llm.Audio], llm.Text | llm.Audio]) -> "Question":
        """The question with what ``change`` makes of what was heard."""
        return self if self.heard is None else msgspec.structs.replace(self, heard=change(self.heard))

    def hinted(self, messages: tuple[llm.Message, ...]) -> tuple[llm.Message, ...]:
        """``messages``, which end in the question, with the hint in the newest message of the user."""
        if self.hint is None:
            return messages
        for index in range(len(messages) - 1, -1, -1):
            role = messages[index].role
            if role not in {"assistant", "tool", *SYSTEM_ROLES}:
                hinted = llm.Message(role=role, parts=(*messages[index].parts, self.hint))
                return (*messages[:index], hinted, *messages[index + 1 :])
        return messages


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
