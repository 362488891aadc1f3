"""Wire types of the events that clients are sent, but for those of answers; every one has an ``event_id``."""

from typing import Literal

import msgspec

from gateway.realtime.protocol.items import Item
from gateway.realtime.protocol.response_events import FailureBody, ResponseEvent
from gateway.realtime.protocol.session_config import SessionConfig


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, in the words of OpenAI; ``event_id`` is the client's, of the event that was wrong."""

    type: str
    code: str | None = None
    message: str
    param: str | None = None
    event_id: str | None = None


class Error(msgspec.Struct, frozen=True, kw_only=True, tag="error"):
    """A mistake of the client, or a failure outside an answer; the session goes on."""

    event_id: str
    error: ErrorBody


class SessionCreated(msgspec.Struct, frozen=True, kw_only=True, tag="session.created"):
    """First of all events."""

    event_id: str
    session: SessionConfig


class SessionUpdated(msgspec.Struct, frozen=True, kw_only=True, tag="session.updated"):
    """The whole configuration after a change."""

    event_id: str
    session: SessionConfig


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """The conversation of the session."""

    id: str
    object: Literal["realtime.conversation"] = "realtime.conversation"


class ConversationCreated(msgspec.Struct, frozen=True, kw_only=True, tag="conversation.created"):
    """Right after ``session.created``."""

    event_id: str
    conversation: Conversation


class ItemAdded(msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.added"):
    """An item is part of the conversation; it may still be written."""

    event_id: str
    previous_item_id: str | None
    item: Item


class ItemDone(msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.done"):
    """An item is complete (but for the transcript of what the user said)."""

    event_id: str
    previous_item_id: str | None
    item: Item


class ItemRetrieved(msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.retrieved"):
    """An item as the client asked for it, with its audio."""

    event_id: str
    item: Item


class ItemTruncated(msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.truncated"):
    """What was not heard of an answer is forgotten."""

    event_id: str
    item_id: str
    content_index: int
    audio_end_ms: int


class ItemDeleted(msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.deleted"):
    """An item is no more part of the conversation."""

    event_id: str
    item_id: str


class TranscriptionDelta(
    msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.input_audio_transcription.delta"
):
    """The next words of the user."""

    event_id: str
    item_id: str
    content_index: int
    delta: str


class DurationUsage(msgspec.Struct, frozen=True, kw_only=True, tag="duration"):
    """What a transcription cost: seconds of audio."""

    seconds: float


class TranscriptionCompleted(
    msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.input_audio_transcription.completed"
):
    """All words of the user."""

    event_id: str
    item_id: str
    content_index: int
    transcript: str
    usage: DurationUsage


class TranscriptionFailed(
    msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.input_audio_transcription.failed"
):
    """What the user said could not be recognised."""

    event_id: str
    item_id: str
    content_index: int
    error: FailureBody


class AudioCommitted(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.committed"):
    """What was in the buffer is a message of the user now."""

    event_id: str
    previous_item_id: str | None
    item_id: str


class AudioCleared(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.cleared"):
    """The buffer is empty."""

    event_id: str


class SpeechStarted(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.speech_started"):
    """The user speaks, since ``audio_start_ms`` of the session's audio less the padding."""

    event_id: str
    audio_start_ms: int
    item_id: str


class SpeechStopped(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.speech_stopped"):
    """The user's turn is over."""

    event_id: str
    audio_end_ms: int
    item_id: str


class TimeoutTriggered(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.timeout_triggered"):
    """The user has said nothing since the last answer was played."""

    event_id: str
    audio_start_ms: int
    audio_end_ms: int
    item_id: str


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit of the client's key."""

    name: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset_seconds: float


class RateLimitsUpdated(msgspec.Struct, frozen=True, kw_only=True, tag="rate_limits.updated"):
    """What is left of the limits of the client's key after an answer."""

    event_id: str
    rate_limits: list[RateLimit]


class PlaybackStarted(msgspec.Struct, frozen=True, kw_only=True, tag="output_audio_buffer.started"):
    """The server begins to play an answer; WebRTC only."""

    event_id: str
    response_id: str


class PlaybackStopped(msgspec.Struct, frozen=True, kw_only=True, tag="output_audio_buffer.stopped"):
    """The server has played the whole of an answer; WebRTC only."""

    event_id: str
    response_id: str


class PlaybackCleared(msgspec.Struct, frozen=True, kw_only=True, tag="output_audio_buffer.cleared"):
    """The server has stopped playing an answer; WebRTC only."""

    event_id: str
    response_id: str


ServerEvent = (
    Error
    | SessionCreated
    | SessionUpdated
    | ConversationCreated
    | ItemAdded
    | ItemDone
    | ItemRetrieved
    | ItemTruncated
    | ItemDeleted
    | TranscriptionDelta
    | TranscriptionCompleted
    | TranscriptionFailed
    | AudioCommitted
    | AudioCleared
    | SpeechStarted
    | SpeechStopped
    | TimeoutTriggered
    | ResponseEvent
    | RateLimitsUpdated
    | PlaybackStarted
    | PlaybackStopped
    | PlaybackCleared
)
