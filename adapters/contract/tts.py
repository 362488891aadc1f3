"""The synthesiser's contract: one utterance in, PCM out.

A stream is ``Started`` · ``AudioChunk``* · ``Finished``.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Literal, Protocol

import msgspec

from adapters.contract.engine import Engine, Started


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One utterance: text to speak, a voice of ``Info.voices`` or an alias, speed (1.0 is normal).

    ``language`` is ISO 639-1; ``instructions`` describe the style of speech. A ``private`` text must not be kept, nor
    its sound.
    """

    text: str
    voice: str | None = None
    speed: float = 1.0
    language: str | None = None
    instructions: str | None = None
    private: bool = False


class AudioChunk(msgspec.Struct, frozen=True, kw_only=True, tag="audio_chunk"):
    """The next samples: s16le mono at ``Info.sample_rate``; never empty, always whole samples."""

    pcm: bytes


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """The utterance is complete: seconds of audio and characters of text; ``cached`` if the sound was there before."""

    seconds: float
    characters: int
    cached: bool = False


Event = Started | AudioChunk | Finished


Readable = Literal["numbers", "notation"]
"""What a synthesiser can read aloud as written: ``numbers`` are cardinals and decimals in digits, with the decimal
mark of the request's language; ``notation`` is other short forms: money, dates, times, units, addresses.
"""


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What a synthesiser offers: ``sample_rate`` in Hz, its ``voices`` and the one used when none is named.

    No ``voices`` after ``warm_up`` means that they are not known: a server has them, and any name may be one.
    ``aliases`` maps voice names of other systems (OpenAI's alloy, echo, …) to its own; one to a voice with ``+`` and a
    variant, which is not among ``voices``, says that all take the variant. ``instructions``: whether it follows a
    described style. ``max_parallel`` streams at once. ``reads``: which notation it reads correctly; all other
    notation is written out in words before the text is passed to it. ``phonemes``: whether text between ``[[`` and
    ``]]`` is taken as phonemes in the engine's own notation. ``voice_languages`` is the language (ISO 639-1) of each
    voice that speaks one only; the first voice of a language is the one to take for it. Complete after ``warm_up``.
    """

    sample_rate: int
    voices: tuple[str, ...]
    default_voice: str
    aliases: Mapping[str, str] = {}
    instructions: bool = False
    max_parallel: int | None = None
    reads: frozenset[Readable] = frozenset()
    phonemes: bool = False
    voice_languages: Mapping[str, str] = {}


class Synthesiser(Engine, Protocol):
    """A speech synthesiser behind the contract."""

    @property
    def info(self) -> Info:
        """What it offers."""

    def check(self, request: Request) -> None:
        """Raise at once what ``stream`` would raise for this voice, speed and language; called after ``warm_up``."""

    def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Speak one utterance. Raises ``AdapterError`` while iterated."""
