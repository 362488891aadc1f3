"""The embedded synthesiser: espeak-ng, robotic but immediate, in some hundred languages and without a download."""

from collections.abc import AsyncGenerator, Iterator
from types import MappingProxyType

import av
import msgspec
import numpy as np
import numpy.typing as npt

from adapters.blocking import call
from adapters.contract import audio, tts
from adapters.contract.description import EngineDescription
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, TooLong, Unavailable, Unsupported, UpstreamError
from adapters.tts import espeak_library as library

Samples = npt.NDArray[np.int16]

NAME = "espeak"
SAMPLE_RATE = 22_050
MAX_CHARACTERS = 5_000
CHUNK_SECONDS = 0.04
FADE_SECONDS = 0.002
DEFAULT_VOICE = "en-us"

# OpenAI's voices by the variants that come nearest: f… are women, m… men, Annie is the brightest, m8 the deepest.
_VARIANTS = {
    "alloy": "f1",
    "ash": "m1",
    "ballad": "m2",
    "coral": "f2",
    "echo": "m3",
    "sage": "f3",
    "shimmer": "f5",
    "verse": "m4",
    "marin": "f4",
    "cedar": "m6",
    "fable": "m7",
    "onyx": "m8",
    "nova": "Annie",
}
ALIASES = MappingProxyType({name: f"{DEFAULT_VOICE}+{variant}" for name, variant in _VARIANTS.items()})

# Listed by the library, but the package that brings it lacks their dictionaries.
_WITHOUT_DICTIONARY = frozenset({"fo", "kaa", "xex"})


class Espeak:
    """Text to speech: one utterance at a time is synthesised into memory, at a thousand times real time."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """The embedded synthesiser has no options."""

    description = EngineDescription(default=True)

    def __init__(self, _options: Options) -> None:
        self._info = tts.Info(
            sample_rate=SAMPLE_RATE,
            voices=(DEFAULT_VOICE,),
            default_voice=DEFAULT_VOICE,
            aliases=ALIASES,
            # Money, dates, measures and the like it reads sign by sign, and differently in each language.
            reads=frozenset({"numbers"}),
            phonemes=True,
        )
        self._voices: _Voices | None = None

    @property
    def info(self) -> tts.Info:
        """Base voices by language; each also takes a variant, as in ``de+f2``."""
        return self._info

    async def warm_up(self) -> None:
        """Load the library and list its voices. Raises ``Unavailable``."""
        await self._load()

    async def aclose(self) -> None:
        """Nothing to release: the library stays loaded with the process."""

    def check(self, request: tts.Request) -> None:
        """Raise ``InvalidRequest``, ``Unsupported`` or ``TooLong`` as ``stream`` would."""
        _require_range(request)
        if self._voices is not None:
            self._voices.choose(request.voice, request.language)

    async def stream(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        """Speak one utterance of at most 5,000 characters.

        Raises ``InvalidRequest`` for an unknown voice or speed, ``Unsupported`` for an unknown language, ``TooLong``,
        ``Unavailable`` and ``UpstreamError``.
        """
        _require_range(request)
        voice = (await self._load()).choose(request.voice, request.language)
        yield Started(ignored=("instructions",) if request.instructions else ())
        pcm = b""
        # The library would read bare punctuation and emoji out by name.
        if any(character.isalnum() for character in request.text):
            try:
                pcm = await call(_speak, request.text, voice, request.speed)
            except (library.LibraryError, av.FFmpegError) as error:
                raise UpstreamError(f"The embedded synthesiser failed: {error}", adapter=NAME) from error
        for chunk in _chunks(pcm):
            yield tts.AudioChunk(pcm=chunk)
        yield tts.Finished(seconds=audio.seconds(pcm, SAMPLE_RATE), characters=len(request.text))

    async def _load(self) -> "_Voices":
        if self._voices is None:
            try:
                inventory = await call(library.inventory)
            except (ImportError, OSError, library.LibraryError) as error:
                raise Unavailable(
                    "The espeak-ng library cannot be loaded; reinstall the package espeakng-loader.", adapter=NAME
                ) from error
            self._voices = _Voices(inventory)
            self._info = msgspec.structs.replace(
                self._info, sample_rate=inventory.sample_rate, voices=tuple(self._voices.own)
            )
        return self._voices


class _Voices:
    """Finds the library's identifier for a voice and a language as clients write them."""

    def __init__(self, inventory: library.Inventory) -> None:
        usable = [language for language in inventory.languages if language.name not in _WITHOUT_DICTIONARY]
        self._variants = inventory.variants
        self.own: dict[str, str] = {}
        self._shared: dict[str, str] = {}
        for language in usable:
            self.own.setdefault(language.name, language.identifier)
        claims = [
            (rank, name, language.identifier) for language in usable for name, rank in language.stands_for.items()
        ]
        for _, name, identifier in sorted(claims, key=lambda claim: claim[0]):
            self._shared.setdefault(name, identifier)

    def choose(self, voice: str | None, language: str | None) -> str:
        """The identifier; ``language`` is the base of an alias or no voice at all. Raises ``InvalidRequest``."""
        named = ALIASES.get(voice.lower(), voice) if voice else DEFAULT_VOICE
        base, plus, variant = named.partition("+")
        identifier = self.own.get(base.lower())
        if identifier is None or (plus and variant not in self._variants):
            raise InvalidRequest(
                f"There is no voice {voice!r}; take 'alloy' or another of OpenAI's names, or a language with a variant"
                " or without, such as 'en-us' or 'de+f2'.",
                adapter=NAME,
                param="voice",
                code="invalid_value",
            )
        if language and (not voice or named != voice):
            identifier = self._base(language, identifier)
        return f"{identifier}{plus}{variant}"

    def _base(self, language: str, default: str) -> str:
        wanted = language.lower().replace("_", "-")
        if wanted == DEFAULT_VOICE.partition("-")[0]:
            return default
        primary = wanted.partition("-")[0]
        for name in (wanted, primary):
            found = self.own.get(name) or self._shared.get(name)
            if found is not None:
                return found
        raise Unsupported(
            f"The embedded synthesiser does not speak {language!r}; choose another engine with --tts.",
            adapter=NAME,
            param="language",
        )


def _require_range(request: tts.Request) -> None:
    if len(request.text) > MAX_CHARACTERS:
        raise TooLong(
            f"The text has {len(request.text)} characters, more than the {MAX_CHARACTERS} allowed; split it.",
            adapter=NAME,
            param="text",
            code="string_above_max_length",
        )
    if not 0.25 <= request.speed <= 4:
        raise InvalidRequest(
            f"The speed {request.speed!r} is out of range; take one from 0.25 to 4.", adapter=NAME, param="speed"
        )


def _speak(text: str, voice: str, speed: float) -> bytes:
    # A zero byte would end the text early.
    samples = np.frombuffer(library.synthesise(text.replace("\0", " "), voice, speed), np.int16)
    tempo = library.stretch(speed)
    if tempo < 1:
        samples = _slow_down(samples, tempo)
    return _faded(samples).astype("<i2").tobytes()


def _slow_down(samples: Samples, tempo: float) -> Samples:
    """Stretch speech to ``tempo`` (0.5 to 1) at the same pitch."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=SAMPLE_RATE, format="s16", layout="mono")
    stretching = graph.add("atempo", f"{tempo:.4f}")
    sink = graph.add("abuffersink")
    graph.link_nodes(source, stretching, sink).configure()
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    graph.push(frame)
    graph.push(None)
    parts = []
    while True:
        try:
            parts.append(graph.pull().to_ndarray()[0])
        except (av.EOFError, av.BlockingIOError):
            return np.concatenate(parts) if parts else samples


def _faded(samples: Samples) -> npt.NDArray[np.float32]:
    """The clip with a short ramp at both ends, so that clips can follow one another without a click."""
    length = min(round(FADE_SECONDS * SAMPLE_RATE), len(samples) // 2)
    ramp = np.linspace(0, 1, length, endpoint=False, dtype=np.float32)
    faded = samples.astype(np.float32)
    faded[:length] *= ramp
    faded[len(faded) - length :] *= ramp[::-1]
    return faded


def _chunks(pcm: bytes) -> Iterator[bytes]:
    size = round(CHUNK_SECONDS * SAMPLE_RATE) * audio.SAMPLE_BYTES
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]
