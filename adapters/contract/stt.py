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


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One utterance: blocks of PCM (s16le mono at ``Info.sample_rate``), and the language (ISO 639-1) if known.

    ``prompt`` is text that guides spelling and style; ``word_times`` asks for the times of the words.
    """

    audio: AsyncIterator[bytes]
    language: str | None = None
    prompt: str | None = None
    word_times: bool = False


class PartialTranscript(msgspec.Struct, frozen=True, kw_only=True, tag="partial_transcript"):
    """The text so far: ``stable`` only grows and is the beginning of the final text; ``unstable`` may still change."""

    stable: str
    unstable: str = ""


class FinalTranscript(msgspec.Struct, frozen=True, kw_only=True, tag="final_transcript"):
    """The whole text, empty when no words were recognised; ``words`` if their times were requested."""

    text: str
    words: tuple[Word, ...] = ()


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """Recognition is complete: the language (ISO 639-1) detected or given, and the seconds of audio."""

    language: str | None
    seconds: float


Event = Started | PartialTranscript | FinalTranscript | Finished


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What a recogniser takes: ``sample_rate`` in Hz, ``languages`` (``None``: any), ``max_parallel`` streams.

    Complete after ``warm_up``.
    """

    sample_rate: int
    languages: tuple[str, ...] | None = None
    word_times: bool = False
    max_parallel: int | None = None


class Recogniser(Engine, Protocol):
    """A speech recogniser behind the contract."""

    @property
    def info(self) -> Info:
        """What it takes."""

    def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Recognise one utterance. Raises ``AdapterError`` while iterated."""
