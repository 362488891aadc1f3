"""Wire types of an answer, and of the events that tell it piece by piece."""

from typing import Literal

import msgspec

from adapters.contract import llm
from gateway.realtime.protocol.items import Item
from gateway.realtime.protocol.session_config import AudioFormat, Modalities, OutputTokens
from gateway.wire.audio import VoiceId


class FailureBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something failed."""

    type: str
    code: str | None = None
    message: str


class CachedTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Kinds of cached tokens."""

    text_tokens: int
    audio_tokens: int = 0
    image_tokens: int = 0


class InputTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Kinds of tokens that the model read."""

    text_tokens: int
    audio_tokens: int = 0
    image_tokens: int = 0
    cached_tokens: int
    cached_tokens_details: CachedTokens


class OutputTokenDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Kinds of tokens that the model wrote."""

    text_tokens: int
    audio_tokens: int = 0


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an answer cost; ``speculative_tokens`` were spent on answers that were prepared since the last one, and
    thrown away. They are part of no other number.
    """

    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_token_details: InputTokens
    output_token_details: OutputTokenDetails
    speculative_tokens: int = 0

    @classmethod
    def of(cls, usage: llm.Usage, speculative: int) -> "Usage":
        """``usage`` of a language model, which reads and writes text."""
        return cls(
            total_tokens=usage.input_tokens + usage.output_tokens,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            input_token_details=InputTokens(
                text_tokens=usage.input_tokens,
                cached_tokens=usage.cached_tokens,
                cached_tokens_details=CachedTokens(text_tokens=usage.cached_tokens),
            ),
            output_token_details=OutputTokenDetails(text_tokens=usage.output_tokens),
            speculative_tokens=speculative,
        )


ResponseStatus = Literal["in_progress", "completed", "cancelled", "incomplete", "failed"]
StopReason = Literal["turn_detected", "client_cancelled", "max_output_tokens", "content_filter"]


class StatusDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an answer was not completed; ``type`` is its status."""

    type: ResponseStatus
    reason: StopReason | None = None
    error: FailureBody | None = None


class ResponseOutput(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer sounds."""

    format: AudioFormat
    voice: str | VoiceId


class ResponseAudio(msgspec.Struct, frozen=True, kw_only=True):
    """Audio of an answer."""

    output: ResponseOutput


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer; without ``conversation_id`` it is no part of the conversation."""

    id: str
    object: Literal["realtime.response"] = "realtime.response"
    status: ResponseStatus
    status_details: StatusDetails | None = None
    output: list[Item]
    conversation_id: str | None
    output_modalities: Modalities
    max_output_tokens: OutputTokens
    audio: ResponseAudio
    usage: Usage | None = None
    metadata: dict[str, str] | None = None


class ResponseCreated(msgspec.Struct, frozen=True, kw_only=True, tag="response.created"):
    """An answer begins."""

    event_id: str
    response: Response


class ResponseDone(msgspec.Struct, frozen=True, kw_only=True, tag="response.done"):
    """An answer is over, however it ended."""

    event_id: str
    response: Response


class OutputItemAdded(msgspec.Struct, frozen=True, kw_only=True, tag="response.output_item.added"):
    """The answer's next item begins."""

    event_id: str
    response_id: str
    output_index: int
    item: Item


class OutputItemDone(msgspec.Struct, frozen=True, kw_only=True, tag="response.output_item.done"):
    """An item of the answer is over; a function call is to be made when its status is completed."""

    event_id: str
    response_id: str
    output_index: int
    item: Item


class TextPart(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Text of an answer."""

    text: str


class AudioPart(msgspec.Struct, frozen=True, kw_only=True, tag="audio"):
    """Speech of an answer."""

    transcript: str


class _OfPart(msgspec.Struct, frozen=True, kw_only=True):
    """About the content of an item; what is written here has one part only."""

    event_id: str
    response_id: str
    item_id: str
    output_index: int
    content_index: int = 0


class ContentPartAdded(_OfPart, frozen=True, kw_only=True, tag="response.content_part.added"):
    """The content of a message begins."""

    part: TextPart | AudioPart


class ContentPartDone(_OfPart, frozen=True, kw_only=True, tag="response.content_part.done"):
    """The content of a message is over."""

    part: TextPart | AudioPart


class OutputTextDelta(_OfPart, frozen=True, kw_only=True, tag="response.output_text.delta"):
    """The next text of an answer in text."""

    delta: str


class OutputTextDone(_OfPart, frozen=True, kw_only=True, tag="response.output_text.done"):
    """All text of an answer in text."""

    text: str


class OutputTranscriptDelta(_OfPart, frozen=True, kw_only=True, tag="response.output_audio_transcript.delta"):
    """The next text of a spoken answer."""

    delta: str


class OutputTranscriptDone(_OfPart, frozen=True, kw_only=True, tag="response.output_audio_transcript.done"):
    """All text of a spoken answer."""

    transcript: str


class OutputAudioDelta(_OfPart, frozen=True, kw_only=True, tag="response.output_audio.delta"):
    """The next audio of an answer, in its format; base64 on the wire."""

    delta: bytes


class OutputAudioDone(_OfPart, frozen=True, kw_only=True, tag="response.output_audio.done"):
    """All audio of an answer was sent."""


class ArgumentsDelta(msgspec.Struct, frozen=True, kw_only=True, tag="response.function_call_arguments.delta"):
    """The next piece of a call's arguments."""

    event_id: str
    response_id: str
    item_id: str
    output_index: int
    call_id: str
    delta: str


class ArgumentsDone(msgspec.Struct, frozen=True, kw_only=True, tag="response.function_call_arguments.done"):
    """All arguments of a call, a JSON text."""

    event_id: str
    response_id: str
    item_id: str
    output_index: int
    call_id: str
    name: str
    arguments: str


ResponseEvent = (
    ResponseCreated
    | ResponseDone
    | OutputItemAdded
    | OutputItemDone
    | ContentPartAdded
    | ContentPartDone
    | OutputTextDelta
    | OutputTextDone
    | OutputTranscriptDelta
    | OutputTranscriptDone
    | OutputAudioDelta
    | OutputAudioDone
    | ArgumentsDelta
    | ArgumentsDone
)
