"""What the recognition model of ``transformers`` is given, and what it gives; imports nothing heavy."""

import msgspec

from adapters.contract import stt

SAMPLE_RATE = 16_000


class RecognitionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One utterance to be recognised: s16le mono at 16 kHz, and a language (ISO 639-1) that the model knows."""

    pcm: bytes
    language: str | None
    prompt: str | None
    word_times: bool


class RecognitionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was said, and in which language if the model can tell."""

    text: str
    words: tuple[stt.Word, ...] = ()
    language: str | None = None
