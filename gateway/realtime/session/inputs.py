"""Inputs of the realtime session: everything that happens, one struct each.

Positions (``…_ms``) are milliseconds of the session's input audio since its start, unless a docstring says otherwise.
Nothing is acted on after ``Closed`` or ``Expired``, and late news of an answer, an attempt or a transcript that the
session has given up are ignored: what produces inputs need not be stopped before its next one.

From the transport, through the driver:
    ``Opened`` once and first; every client event but ``input_audio_buffer.append``; ``Refused`` in place of a frame
    that is no client event; ``AudioAppended`` in place of an append, after its audio was taken; ``Closed`` once, last.
From the ears, while the session listens with turn detection (``commands.Listen``):
    (``VoiceStarted`` (``VoicePaused`` ``VoiceResumed``)* ``VoicePaused``? ``TurnEnded``)*
From the ears, for each transcript that was started or asked for (``StartTranscript``, ``FinishTranscript``):
    ``TranscriptDelta``* and, once it was asked to finish, ``TranscriptFinished`` or ``TranscriptFailed`` once.
From the driver, for each ``Answer``, ``Say`` or adopted attempt:
    ``TextFlagged``? and then
    (``AnswerText`` | ``AnswerAudio`` | ``ToolCallStarted`` | ``ToolCallDelta`` | ``ToolCallFinished``)* and then
    ``AnswerFinished`` or ``AnswerFailed`` once; nothing more after ``Cancel``.
From the driver, for each ``Prepare``:
    ``Prepared`` once the words are recognised; ``PreparationLost`` when the attempt failed, or was discarded. One of
    them always comes: an answer to the turn may be waiting for it.
From the memory, after each ``Remember`` that it could store:
    ``Shortened``.
"""

from collections.abc import Mapping

import msgspec

from adapters.contract import llm
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
    SessionUpdate,
)
from gateway.realtime.protocol.response_events import FailureBody
from gateway.realtime.protocol.server_events import RateLimit
from gateway.realtime.session.commands import TimerName


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The transport can send: the session begins."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A frame that is no client event, or audio that cannot be taken; ``event_id`` is the client's, where there is one.

    The client is told in the words of OpenAI's errors; the session goes on.
    """

    message: str
    code: str | None = None
    param: str | None = None
    event_id: str | None = None

    @classmethod
    def of(cls, problem: InvalidRequest, event_id: str | None) -> "Refused":
        """What is wrong with the client's event ``event_id``."""
        return cls(message=problem.message, code=problem.code, param=problem.param, event_id=event_id)


class AudioAppended(msgspec.Struct, frozen=True, kw_only=True):
    """The session has ``total_ms`` of input audio now."""

    total_ms: int


class VoiceStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A voice was heard, from ``at_ms`` on (without padding)."""

    at_ms: int


class VoicePaused(msgspec.Struct, frozen=True, kw_only=True):
    """No voice since ``at_ms``, for as long as the setting says that work ahead begins; the turn may go on."""

    at_ms: int


class VoiceResumed(msgspec.Struct, frozen=True, kw_only=True):
    """The same turn goes on: a voice again, from ``at_ms`` on."""

    at_ms: int


class TurnEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The turn is over; its audio ends at ``at_ms``, the silence that was waited for included."""

    at_ms: int


class TranscriptDelta(msgspec.Struct, frozen=True, kw_only=True):
    """The next stable words of an item; what was told once does not change any more."""

    item_id: str
    text: str


class TranscriptFinished(msgspec.Struct, frozen=True, kw_only=True):
    """All words of an item, "" where none were said, and the seconds of audio that were recognised.

    ``language`` (ISO 639-1) is the one that was heard, if that is known.
    """

    item_id: str
    text: str
    language: str | None = None
    seconds: float


class TranscriptFailed(msgspec.Struct, frozen=True, kw_only=True):
    """An item could not be recognised."""

    item_id: str
    error: FailureBody


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The words up to the pause are ``transcript``, and the attempt answers them, in ``language`` where it is known."""

    response_id: str
    transcript: str
    language: str | None = None


class PreparationLost(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt failed by itself, or was discarded; the language model's ``tokens`` were spent for nothing."""

    response_id: str
    tokens: int = 0


class TextFlagged(msgspec.Struct, frozen=True, kw_only=True):
    """Guards flagged texts that the answer was to read: in the conversation ``substitutes`` stand in their place."""

    response_id: str
    substitutes: Mapping[str, str]


class AnswerText(msgspec.Struct, frozen=True, kw_only=True):
    """The next text of an answer; never empty."""

    response_id: str
    text: str


class AnswerAudio(msgspec.Struct, frozen=True, kw_only=True):
    """The next audio of a spoken answer, in its format, when it is time to send it.

    ``ms``: how long it plays. ``begins``: the text, as the model wrote it, of the utterance that begins with this
    piece; ``None`` where it goes on. What was heard of an answer is told from these.
    """

    response_id: str
    audio: bytes
    ms: float
    begins: str | None = None


class ToolCallStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The model begins a function call."""

    response_id: str
    call_id: str
    name: str


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True):
    """The next piece of a call's arguments."""

    response_id: str
    call_id: str
    arguments: str


class ToolCallFinished(msgspec.Struct, frozen=True, kw_only=True):
    """A function call is complete; ``arguments`` is the whole JSON text."""

    response_id: str
    call_id: str
    arguments: str


class AnswerFinished(msgspec.Struct, frozen=True, kw_only=True):
    """The answer is complete and all its audio was handed over; what is left of the key's limits, if it has any."""

    response_id: str
    reason: llm.FinishReason
    usage: llm.Usage | None = None
    rate_limits: tuple[RateLimit, ...] = ()


class AnswerFailed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer failed, before or after its first piece."""

    response_id: str
    error: FailureBody


class TimerFired(msgspec.Struct, frozen=True, kw_only=True):
    """The time of ``commands.SetTimer`` is over."""

    name: TimerName


class Shortened(msgspec.Struct, frozen=True, kw_only=True):
    """A model is not given the items ``left_out`` any more; ``summary``, if there is one, stands for them."""

    summary: str | None
    left_out: frozenset[str]


class Expired(msgspec.Struct, frozen=True, kw_only=True):
    """The session has to end: it is too old, idle for too long, too far behind, or the server stops.

    The client is told ``message`` and ``code`` (such as "session_expired"), then the transport closes with
    ``close_code``.
    """

    message: str
    code: str
    close_code: int


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """The transport is gone."""


HandledEvent = (
    SessionUpdate
    | InputAudioBufferCommit
    | InputAudioBufferClear
    | OutputAudioBufferClear
    | ConversationItemCreate
    | ConversationItemRetrieve
    | ConversationItemTruncate
    | ConversationItemDelete
    | ResponseCreate
    | ResponseCancel
)
"""The client events that a session handles: all but the append of audio."""

VoiceInput = VoiceStarted | VoicePaused | VoiceResumed | TurnEnded
TranscriptInput = TranscriptDelta | TranscriptFinished | TranscriptFailed
PreparationInput = Prepared | PreparationLost
AnswerInput = (
    TextFlagged
    | AnswerText
    | AnswerAudio
    | ToolCallStarted
    | ToolCallDelta
    | ToolCallFinished
    | AnswerFinished
    | AnswerFailed
)

Input = (
    Opened
    | HandledEvent
    | Refused
    | AudioAppended
    | VoiceInput
    | TranscriptInput
    | PreparationInput
    | AnswerInput
    | TimerFired
    | Shortened
    | Expired
    | Closed
)
