"""Wire types of the speech route: its request, and the events of its event stream."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.wire.audio import ResponseFormat, StreamFormat, VoiceId, VoiceName
from gateway.wire.field_types import ShortText
from gateway.wire.usage import Usage
from gateway.wire.voice_events import AudioDelta


class SpeechRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A text to be spoken; with ``input_audio`` in place of a text the body is a ``SpeechToSpeechRequest``."""

    input: Annotated[str, Meta(description="The text to speak, at most max_speech_characters; no markup.")]
    model: Annotated[
        ShortText | None,
        Meta(description="A route of the gateway, a name of OpenAI's, or the engine's own; the first route if unset."),
    ] = None
    voice: Annotated[
        VoiceName | VoiceId | None, Meta(description="One of OpenAI's voices, or one of the engine's own.")
    ] = None
    instructions: Annotated[
        Annotated[str, Meta(max_length=4096)] | None,
        Meta(description="How to speak, for engines that follow a described style."),
    ] = None
    response_format: Annotated[ResponseFormat | None, Meta(description="Of the speech; mp3 when left out.")] = None
    speed: Annotated[float, Meta(ge=0.25, le=4.0, description="Speed of speech, 1.0 is normal.")] | None = None
    stream_format: Annotated[
        StreamFormat | None, Meta(description="The bytes of the speech (audio, the default), or an event stream (sse).")
    ] = None
    language: Annotated[ShortText | None, Meta(description="The language of the text, ISO 639-1.")] = None


FIELDS = {"text": "input", "audio": "input_audio"}
"""The contract's fields that have another name here, in errors."""


class SpeechDone(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="speech.audio.done"):
    """The end; see ``usage_of_speech`` for what its tokens are."""

    usage: Usage


SpeechEvent = AudioDelta | SpeechDone
