"""The transcription as servers write it, whole or in events; only the fields that are read."""

from typing import Any

import msgspec

from adapters.contract import stt
from adapters.upstream import LenientDecoder


class Word(msgspec.Struct, gc=False):
    """A word and its times in seconds."""

    word: str | None = None
    text: str | None = None  # in place of `word` from some servers
    start: float | None = None
    end: float | None = None


class Segment(msgspec.Struct, gc=False):
    """A segment and its times in seconds; some servers give the words here only."""

    text: str | None = None
    start: float | None = None
    end: float | None = None
    tokens: list[int] | None = None
    temperature: float | None = None
    avg_logprob: float | None = None
    compression_ratio: float | None = None
    no_speech_prob: float | None = None
    words: list[Word] | None = None


class Language(msgspec.Struct, gc=False):
    """One of the languages that were heard."""

    code: str | None = None


class Delta(msgspec.Struct, gc=False):
    """What a chunk of vLLM adds."""

    content: str | None = None


class Choice(msgspec.Struct, gc=False):
    """The one transcript in a chunk of vLLM."""

    delta: Delta | None = None
    finish_reason: str | None = None


class Transcription(msgspec.Struct, gc=False):
    """A whole transcription, or one event of a streamed one."""

    type: str | None = None
    text: str | None = None
    delta: str | None = None
    language: str | None = None
    languages: list[Language] | None = None
    words: list[Word] | None = None
    segments: list[Segment] | None = None
    choices: list[Choice] | None = None  # vLLM
    error: Any = None

    def timed_words(self) -> tuple[stt.Word, ...]:
        """The words that have times, from wherever they are."""
        listed = self.words or [word for segment in self.segments or () for word in segment.words or ()]
        return tuple(
            stt.Word(text=text, start=word.start, end=max(word.start, word.end))
            for word in listed
            if (text := (word.word or word.text or "").strip()) and word.start is not None and word.end is not None
        )

    def timed_segments(self) -> tuple[stt.Segment, ...]:
        """The segments that have times."""
        return tuple(
            stt.Segment(
                text=text,
                start=each.start,
                end=max(each.start, each.end),
                tokens=tuple(each.tokens or ()),
                temperature=each.temperature,
                avg_logprob=each.avg_logprob,
                compression_ratio=each.compression_ratio,
                no_speech_prob=each.no_speech_prob,
            )
            for each in self.segments or ()
            if (text := (each.text or "").strip()) and each.start is not None and each.end is not None
        )


decode = LenientDecoder(Transcription).decode
