"""Wire types of the transcription and translation routes: their requests, documents, and the events of a stream."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.wire.audio import InputAudio
from gateway.wire.field_types import RouteName, ShortText

Granularity = Literal["word", "segment"]
TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
AnyFormat = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]


class ServerVad(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="server_vad"):
    """Where a recording is to be cut."""

    prefix_padding_ms: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    silence_duration_ms: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    threshold: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None


class RecognitionFields(msgspec.Struct, frozen=True, kw_only=True):
    """What transcriptions and translations have in common; in a form, the recording is the part ``file``."""

    model: RouteName = None
    input_audio: Annotated[InputAudio | None, Meta(description="The recording.")] = None
    prompt: Annotated[
        Annotated[str, Meta(max_length=32_768)] | None,
        Meta(description="Text that guides spelling and style, for engines that follow one."),
    ] = None
    temperature: (
        Annotated[float, Meta(ge=0.0, le=1.0, description="How freely tokens are drawn, for engines that draw them.")]
        | None
    ) = None


class CreateTranslation(RecognitionFields, frozen=True, kw_only=True):
    """The fields of a translation into English; in a form, the recording is the part ``file``."""

    response_format: Annotated[TranscriptFormat | None, Meta(description="Of the answer; json when left out.")] = None


class CreateTranscription(RecognitionFields, frozen=True, kw_only=True):
    """The fields of a transcription; in a form, the recording is the part ``file``."""

    response_format: Annotated[
        AnyFormat | None,
        Meta(description="Of the answer; json when left out. No engine tells speakers apart for diarized_json."),
    ] = None
    language: Annotated[ShortText | None, Meta(description="The language spoken, ISO 639-1.")] = None
    timestamp_granularities: Annotated[
        Annotated[list[Granularity], Meta(max_length=2)] | None,
        Meta(description="The times in verbose_json; segments, if the engine has them, when left out."),
    ] = None
    stream: Annotated[
        bool | None, Meta(description="Whether the transcript is sent as events while it is recognised.")
    ] = None
    include: Annotated[
        Annotated[list[Literal["logprobs"]], Meta(max_length=1)] | None,
        Meta(description="Must be empty: no engine gives the probabilities of tokens."),
    ] = None
    chunking_strategy: Annotated[
        Literal["auto"] | ServerVad | None, Meta(description="Has no effect: the engine itself cuts long recordings.")
    ] = None


LISTS = ("timestamp_granularities", "include")
"""Fields that hold lists; they come in several spellings."""

STRUCTURES = ("input_audio", "chunking_strategy", *LISTS)
"""Fields that hold JSON when they are sent as text."""

FILES = ("file",)
"""Parts of a form that are files."""

FIELDS = {
    "audio": "file",
    "word_times": "timestamp_granularities",
    "segment_times": "timestamp_granularities",
    "translate": "model",
}
"""The contract's fields that have another name here, in errors."""


class Duration(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="duration"):
    """What was used: seconds of audio, rounded up."""

    seconds: int


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """The answer in the format json."""

    text: str
    usage: Duration


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A word, and its start and end in seconds from the start of the recording."""

    word: str
    start: float
    end: float


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the transcript, about a sentence, from ``start`` to ``end`` in seconds.

    ``temperature``, ``avg_logprob``, ``no_speech_prob`` and ``seek`` are 0, and ``tokens`` empty, where the engine does
    not know them.
    """

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class VerboseTranscript(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer in the format verbose_json; ``language`` is its English name, unknown if the engine cannot tell."""

    task: Literal["transcribe", "translate"]
    language: str
    duration: float
    text: str
    segments: list[Segment] | None = None
    words: list[Word] | None = None
    usage: Duration


class TextDelta(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="transcript.text.delta"):
    """More of the transcript; it will not change any more."""

    delta: str


class TextDone(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="transcript.text.done"):
    """The whole transcript: the deltas joined."""

    text: str


StreamEvent = TextDelta | TextDone
