"""Audio in requests and answers: a recording as base64, voices, formats."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from adapters.contract.errors import InvalidRequest
from gateway.wire import base64_text

VoiceName = Annotated[str, Meta(max_length=256)]
LONGEST_MEDIA_TYPE = 256
"""Characters before the comma of a ``data:`` URL."""

ResponseFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
StreamFormat = Literal["audio", "sse"]
"""The bytes of the audio, or events that carry them."""


class VoiceId(msgspec.Struct, frozen=True, kw_only=True):
    """A voice by id."""

    id: VoiceName


class InputAudio(msgspec.Struct, frozen=True, kw_only=True):
    """The recording in a JSON request: base64, and the format it is said to have (its content decides)."""

    data: Annotated[str, Meta(description="The recording, base64.")]
    format: Annotated[str, Meta(max_length=256, description="Its container, such as wav or mp3.")] | None = None


def voice_name(voice: str | VoiceId | None) -> str | None:
    """The name of a voice, in either form."""
    return voice.id if isinstance(voice, VoiceId) else voice


def recording_in(audio: InputAudio, param: str = "input_audio.data") -> bytes:
    """The bytes of the recording, also of one in a ``data:`` URL. Raises ``InvalidRequest`` about ``param``."""
    text = audio.data
    if text.startswith("data:"):
        head = text[:LONGEST_MEDIA_TYPE].partition(",")[0]
        text = text[len(head) + 1 :] if head.endswith(";base64") else "not base64"
    try:
        return base64_text.decoded(text)
    except ValueError:  # binascii.Error is one; characters outside ASCII raise the plain one
        raise InvalidRequest(
            f"Invalid '{param}': not valid base64. Send the whole file in standard base64, padded with '='.",
            param=param,
            code="invalid_value",
        ) from None
