"""What a recognition model in this process is given, and what it gives; imports nothing heavy."""

import msgspec

from adapters.contract import stt

SAMPLE_RATE = 16_000


class RecognitionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One recording: s16le mono at 16 kHz, and a language (ISO 639-1) that the model knows.

    The other fields are those of ``stt.Request``. What the model cannot do was refused, or named as ignored, before.
    """

    pcm: bytes
    language: str | None = None
    prompt: str | None = None
    temperature: float | None = None
    word_times: bool = False
    segment_times: bool = False
    translate: bool = False

    @property
    def seconds(self) -> float:
        """The length of the recording."""
        return len(self.pcm) / 2 / SAMPLE_RATE


class RecognitionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was said, with the times that were asked for, and in which language if the model can tell."""

    text: str
    words: tuple[stt.Word, ...] = ()
    segments: tuple[stt.Segment, ...] = ()
    language: str | None = None


class RecognisedSoFar(msgspec.Struct, frozen=True, kw_only=True):
    """How the text of the result begins, while the rest of a long recording is still being recognised."""

    text: str


Recognised = RecognisedSoFar | RecognitionResult
"""What a job gives: any number of beginnings, then its result."""

MAX_BEGINNINGS = 10_000
"""More than any recording has windows: that many may wait for a slow reader."""


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model once it is loaded; ``languages`` is ``None`` when it has no choice of languages."""

    languages: tuple[str, ...] | None
    word_times: bool = False
    segment_times: bool = False
    translation: bool = False
    ignored: tuple[str, ...] = ()
    """The tuning parameters of a request that have no effect on it."""
