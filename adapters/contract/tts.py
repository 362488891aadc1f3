"""The synthesiser's contract: one utterance in, PCM out.

A stream is ``Started`` · ``AudioChunk``* · ``Finished``.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Literal, Protocol

import msgspec

from adapters.contract.engine import Engine, Started


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One utterance: speakable text, a voice of ``Info.voices`` or an alias, speed (1.0 is normal), language, style."""

    text: str
    voice: str | None = None
    speed: float = 1.0
    language: str | None = None
    instructions: str | None = None


class AudioChunk(msgspec.Struct, frozen=True, kw_only=True, tag="audio_chunk"):
    """The next samples: s16le mono at ``Info.sample_rate``; never empty, never half a sample."""

    pcm: bytes


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """The utterance is complete: seconds of audio and characters of text."""

    seconds: float
    characters: int


Event = Started | AudioChunk | Finished


Readable = Literal["numbers", "notation"]
"""What a synthesiser may read by itself: ``numbers`` are cardinals and decimals in digits, in the language of the
request and with its decimal mark; ``notation`` is what else people write short: money, dates, times, units, addresses.
"""


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What a synthesiser gives: ``sample_rate`` in Hz, its ``voices`` and the one it takes when none is named.

    ``aliases`` maps names of other systems (OpenAI's alloy, echo, …) to its own. ``instructions``: whether it follows a
    described style. ``max_parallel`` streams at once. ``reads``: what it says as people do when it stands in the text
    as written; the rest is spelled out before it gets the text. ``phonemes``: whether what stands between ``[[`` and
    ``]]`` is taken as phonemes, in the engine's own notation. Complete after ``warm_up``.
    """

    sample_rate: int
    voices: tuple[str, ...]
    default_voice: str
    aliases: Mapping[str, str] = {}
    instructions: bool = False
    max_parallel: int | None = None
    reads: frozenset[Readable] = frozenset()
    phonemes: bool = False


class Synthesiser(Engine, Protocol):
    """A speech synthesiser behind the contract."""

    @property
    def info(self) -> Info:
        """What it gives."""

    def check(self, request: Request) -> None:
        """Raise at once, after ``warm_up``, what ``stream`` would raise for this voice, speed and language."""

    def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Speak one utterance. Raises ``AdapterError`` while iterated."""
