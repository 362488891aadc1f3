"""The recogniser's contract: audio in, a transcript out.

A stream is ``Started`` · ``PartialTranscript``* · ``FinalTranscript`` · ``Finished``.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

import msgspec

from adapters.contract.engine import Engine, Started


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A word, and its start and end in seconds from the start of the audio."""

    text: str
    start: float
    end: float


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the transcript, about a sentence: ``start`` and ``end`` in seconds from the start of the audio.

    ``tokens`` are ids of the model's vocabulary. ``temperature`` is that of the accepted decoding, ``avg_logprob`` the
    mean log probability of its tokens, ``compression_ratio`` how well its text compresses (a loop compresses well),
    ``no_speech_prob`` how likely there is no speech; ``None`` where the engine does not know.
    """

    text: str
    start: float
    end: float
    tokens: tuple[int, ...] = ()
    temperature: float | None = None
    avg_logprob: float | None = None
    compression_ratio: float | None = None
    no_speech_prob: float | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One utterance: blocks of PCM (s16le mono at ``Info.sample_rate``), and the language (ISO 639-1) if known.

    An empty block says that the speaker pauses: a recogniser of live audio then gives the text so far at once.
    ``prompt`` is text that guides spelling and style, ``temperature`` (0 to 1) how freely tokens are drawn; an engine
    that follows none names them in ``Started.ignored``. ``word_times`` and ``segment_times`` ask for the times of the
    words and of segments, ``translate`` for the transcript in English; an engine that has none raises ``Unsupported``.
    """

    audio: AsyncIterator[bytes]
    language: str | None = None
    prompt: str | None = None
    temperature: float | None = None
    word_times: bool = False
    segment_times: bool = False
    translate: bool = False


class PartialTranscript(msgspec.Struct, frozen=True, kw_only=True, tag="partial_transcript"):
    """The text so far, ``stable + unstable``: ``stable`` only grows and begins the final text; the rest may change.

    ``language`` (ISO 639-1) is the one detected so far, if that is known.
    """

    stable: str
    unstable: str = ""
    language: str | None = None


class FinalTranscript(msgspec.Struct, frozen=True, kw_only=True, tag="final_transcript"):
    """The whole text, empty when no words were recognised; ``words`` and ``segments`` if they were requested."""

    text: str
    words: tuple[Word, ...] = ()
    segments: tuple[Segment, ...] = ()


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """Recognition is complete: the language (ISO 639-1) detected or given, and the seconds of audio."""

    language: str | None
    seconds: float


Event = Started | PartialTranscript | FinalTranscript | Finished


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What a recogniser takes: ``sample_rate`` in Hz, ``languages`` (``None``: any), ``max_parallel`` streams.

    ``word_times``, ``segment_times`` and ``translation`` say what it can do of what a request asks for, ``live`` that
    it gives partial transcripts while audio still comes. Complete after ``warm_up``.
    """

    sample_rate: int
    languages: tuple[str, ...] | None = None
    word_times: bool = False
    segment_times: bool = False
    translation: bool = False
    live: bool = False
    max_parallel: int | None = None


class Recogniser(Engine, Protocol):
    """A speech recogniser behind the contract."""

    @property
    def info(self) -> Info:
        """What it takes."""

    def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Recognise one utterance. Raises ``AdapterError`` while iterated."""
