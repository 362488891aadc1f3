"""Wire types of the events that clients send."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gateway.realtime.protocol.items import LONGEST_AUDIO, Item, ItemReference
from gateway.realtime.protocol.session_config import (
    AudioFormat,
    Modalities,
    OutputTokens,
    Reasoning,
    ToolChoice,
    Tools,
)
from gateway.wire.audio import VoiceId, VoiceName
from gateway.wire.field_types import ShortText
from gateway.wire.items import ItemName
from gateway.wire.messages import ShownText

EventId = Annotated[str, Meta(max_length=512)]
Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
]
Milliseconds = Annotated[int, Meta(ge=0)]


class SessionUpdate(msgspec.Struct, frozen=True, kw_only=True, tag="session.update"):
    """Change the configuration; fields of ``session`` that are left out stay as they are."""

    event_id: EventId | None = None
    session: dict[str, Any]


class InputAudioBufferAppend(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.append"):
    """The next piece of audio, in the session's input format; base64 on the wire."""

    event_id: EventId | None = None
    audio: Annotated[bytes, Meta(max_length=LONGEST_AUDIO)]


class InputAudioBufferCommit(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.commit"):
    """What is in the buffer becomes a message of the user."""

    event_id: EventId | None = None


class InputAudioBufferClear(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.clear"):
    """What is in the buffer is thrown away."""

    event_id: EventId | None = None


class OutputAudioBufferClear(msgspec.Struct, frozen=True, kw_only=True, tag="output_audio_buffer.clear"):
    """Stop playing the answer, where the server plays it (WebRTC); history keeps what was heard of it."""

    event_id: EventId | None = None


class ConversationItemCreate(msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.create"):
    """Add an item after ``previous_item_id``: "root" is the front, ``None`` the end."""

    event_id: EventId | None = None
    previous_item_id: ItemName | None = None
    item: Item


class ConversationItemRetrieve(msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.retrieve"):
    """Show an item with its audio."""

    event_id: EventId | None = None
    item_id: ItemName


class ConversationItemTruncate(msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.truncate"):
    """Of the spoken answer ``item_id`` no more than ``audio_end_ms`` were heard."""

    event_id: EventId | None = None
    item_id: ItemName
    content_index: int
    audio_end_ms: Milliseconds


class ConversationItemDelete(msgspec.Struct, frozen=True, kw_only=True, tag="conversation.item.delete"):
    """Take an item out of the conversation."""

    event_id: EventId | None = None
    item_id: ItemName


class ResponseAudioOutput(msgspec.Struct, frozen=True, kw_only=True):
    """How one answer sounds, where it differs from the session."""

    format: AudioFormat | None = None
    voice: VoiceName | VoiceId | None = None


class ResponseAudio(msgspec.Struct, frozen=True, kw_only=True):
    """Audio of one answer."""

    output: ResponseAudioOutput = ResponseAudioOutput()


class ResponseParams(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer differs in from the session's configuration; ``None`` leaves a field to that.

    With ``conversation`` "none" the answer is no part of the conversation, and may run beside another. ``input`` stands
    in place of the conversation for this answer.
    """

    output_modalities: Modalities | None = None
    instructions: ShownText | None = None
    audio: ResponseAudio = ResponseAudio()
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    max_output_tokens: OutputTokens | None = None
    conversation: Literal["auto", "none"] | None = None
    metadata: Metadata | None = None
    input: Annotated[list[Item | ItemReference], Meta(max_length=1024)] | None = None


class ResponseCreate(msgspec.Struct, frozen=True, kw_only=True, tag="response.create"):
    """Answer now."""

    event_id: EventId | None = None
    response: ResponseParams | None = None


class ResponseCancel(msgspec.Struct, frozen=True, kw_only=True, tag="response.cancel"):
    """Stop an answer: the one in the conversation where ``response_id`` is left out."""

    event_id: EventId | None = None
    response_id: ShortText | None = None


ClientEvent = (
    SessionUpdate
    | InputAudioBufferAppend
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
