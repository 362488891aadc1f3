"""The engine ``espeak``: the embedded synthesiser, by the espeak-ng library."""

from collections.abc import AsyncGenerator

import av
import msgspec

from adapters.blocking import call
from adapters.contract import audio, tts
from adapters.contract.description import EngineDescription
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, TooLong, Unavailable, UpstreamError
from adapters.tts.espeak import library, speech
from adapters.tts.espeak.voices import ADAPTER, ALIASES, DEFAULT_VOICE, VoiceTable

MAX_CHARACTERS = 5_000


class Espeak:
    """Text to speech: one utterance at a time is synthesised into memory, at about a thousand times real time."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """The embedded synthesiser has no options."""

    description = EngineDescription(default=True)

    def __init__(self, _options: Options) -> None:
        self._info = tts.Info(
            sample_rate=speech.SAMPLE_RATE,
            voices=(DEFAULT_VOICE,),
            default_voice=DEFAULT_VOICE,
            aliases=ALIASES,
            # It reads money, dates, measures and the like character by character, and differently in each language.
            reads=frozenset({"numbers"}),
            phonemes=True,
        )
        self._voices: VoiceTable | None = None

    @property
    def info(self) -> tts.Info:
        """Base voices by language; each also takes a variant, such as ``de+f2``."""
        return self._info

    async def warm_up(self) -> None:
        """Load the library and list its voices. Raises ``Unavailable``."""
        await self._load()

    async def aclose(self) -> None:
        """Nothing to release: the library stays loaded with the process."""

    def check(self, request: tts.Request) -> None:
        """Raise ``InvalidRequest``, ``Unsupported`` or ``TooLong`` as ``stream`` would."""
        _check_limits(request)
        if self._voices is not None:
            self._voices.identifier(request.voice, request.language)

    async def stream(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        """Speak one utterance of at most 5,000 characters.

        Raises ``InvalidRequest`` for an unknown voice or speed, ``Unsupported`` for an unknown language, ``TooLong``,
        ``Unavailable`` and ``UpstreamError``.
        """
        _check_limits(request)
        voice = (await self._load()).identifier(request.voice, request.language)
        yield Started(ignored=("instructions",) if request.instructions else ())
        pcm = b""
        # The library would read out the names of bare punctuation and emoji.
        if any(character.isalnum() for character in request.text):
            try:
                pcm = await call(speech.synthesise, request.text, voice, request.speed)
            except (library.LibraryError, av.FFmpegError) as error:
                raise UpstreamError(f"The embedded synthesiser failed: {error}", adapter=ADAPTER) from error
        for chunk in speech.chunks(pcm):
            yield tts.AudioChunk(pcm=chunk)
        yield tts.Finished(seconds=audio.seconds(pcm, speech.SAMPLE_RATE), characters=len(request.text))

    async def _load(self) -> VoiceTable:
        if self._voices is None:
            try:
                inventory = await call(library.inventory)
            except (ImportError, OSError, library.LibraryError) as error:
                raise Unavailable(
                    "The espeak-ng library cannot be loaded; reinstall the package espeakng-loader.", adapter=ADAPTER
                ) from error
            self._voices = VoiceTable(inventory)
            self._info = msgspec.structs.replace(
                self._info, sample_rate=inventory.sample_rate, voices=tuple(self._voices.names)
            )
        return self._voices


def _check_limits(request: tts.Request) -> None:
    if len(request.text) > MAX_CHARACTERS:
        raise TooLong(
            f"The text has {len(request.text)} characters, more than the {MAX_CHARACTERS} allowed; split it.",
            adapter=ADAPTER,
            param="text",
            code="string_above_max_length",
        )
    if not 0.25 <= request.speed <= 4:
        raise InvalidRequest(
            f"The speed {request.speed!r} is out of range; take one from 0.25 to 4.", adapter=ADAPTER, param="speed"
        )
