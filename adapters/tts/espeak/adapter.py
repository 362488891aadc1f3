"""The engine ``espeak``: the embedded synthesiser, the espeak-ng library in worker processes that texts can crash."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import av
import msgspec

from adapters.blocking import Limits, WorkerDied, WorkerPool, call
from adapters.contract import audio, tts
from adapters.contract.description import EngineDescription
from adapters.contract.engine import Started
from adapters.contract.errors import TimedOut, Unavailable, UpstreamError
from adapters.tts import waveform
from adapters.tts.espeak import library
from adapters.tts.espeak.voices import ADAPTER, ALIASES, DEFAULT_VOICE, VoiceTable
from adapters.tts.espeak.worker import INVENTORY, Utterance
from adapters.tts.limits import check_limits
from adapters.tts.pieces import ends_in_pause, is_spoken, pieces

SAMPLE_RATE = 22_050

WORKERS = 2
"""With two, a text that ends one of them keeps nobody waiting for the next one to start."""

_SILENCE_SECONDS = 30
_LIMITS = Limits(memory_bytes=256 * 1024 * 1024, cpu_seconds=5, unwanted_seconds=1)
"""A piece of text takes some milliseconds, fewer than to start a process."""


class Espeak:
    """Text to speech: synthesised piece by piece, at about a thousand times real time, and passed on meanwhile."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """The embedded synthesiser has no options."""

    description = EngineDescription(default=True)

    def __init__(self, _options: Options) -> None:
        self._info = tts.Info(
            sample_rate=SAMPLE_RATE,
            voices=(DEFAULT_VOICE,),
            default_voice=DEFAULT_VOICE,
            aliases=ALIASES,
            # It reads money, dates, measures and the like character by character, and differently in each language.
            reads=frozenset({"numbers"}),
            phonemes=True,
        )
        self._pool = WorkerPool(
            "adapters.tts.espeak.worker:synthesiser",
            size=WORKERS,
            timeout=_SILENCE_SECONDS,
            adapter=ADAPTER,
            limits=_LIMITS,
        )
        self._voices: VoiceTable | None = None

    @property
    def info(self) -> tts.Info:
        """Base voices by language; each also takes a variant, such as ``de+f2``."""
        return self._info

    async def warm_up(self) -> None:
        """Start the workers and list the library's voices. Raises ``Unavailable``."""
        await self._load()

    async def aclose(self) -> None:
        """End the workers."""
        await self._pool.aclose()

    def check(self, request: tts.Request) -> None:
        """Raise ``InvalidRequest``, ``Unsupported`` or ``TooLong`` as ``stream`` would."""
        check_limits(request, ADAPTER)
        if self._voices is not None:
            self._voices.identifier(request.voice, request.language)

    async def stream(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        """Speak one utterance of at most 5,000 characters.

        Raises ``InvalidRequest`` for an unknown voice or speed, ``Unsupported`` for an unknown language, ``TooLong``,
        ``Unavailable``, and ``UpstreamError``, also for a text that the library cannot take.
        """
        check_limits(request, ADAPTER)
        voice = (await self._load()).identifier(request.voice, request.language)
        yield Started(ignored=("instructions",) if request.instructions else ())
        seconds = 0.0
        # A zero byte would end the text, half a surrogate pair cannot be sent.
        *earlier, last = pieces(request.text.encode(errors="replace").decode().replace("\0", " "))
        # Between two pieces the pause is as long as inside one; after the last one it is for others to choose.
        for piece, pause in (*((piece, ends_in_pause(piece)) for piece in earlier), (last, False)):
            if is_spoken(piece):
                utterance = Utterance(text=piece, voice=voice, speed=request.speed, pause=pause)
                async with aclosing(self._speak(utterance)) as parts:
                    async for pcm in parts:
                        seconds += audio.seconds(pcm, SAMPLE_RATE)
                        for chunk in waveform.chunks(pcm, SAMPLE_RATE):
                            yield tts.AudioChunk(pcm=chunk)
        yield tts.Finished(seconds=seconds, characters=len(request.text))

    async def _speak(self, utterance: Utterance) -> AsyncGenerator[bytes, None]:
        fade = waveform.Fade(SAMPLE_RATE)
        try:
            async with aclosing(self._synthesised(utterance)) as parts:
                async for pcm in parts:
                    yield fade.feed(pcm)
        except (WorkerDied, TimedOut, av.FFmpegError) as error:
            raise UpstreamError(
                "The embedded synthesiser failed on a text; choose another engine with --tts.", adapter=ADAPTER
            ) from error
        yield fade.end()

    async def _synthesised(self, utterance: Utterance) -> AsyncGenerator[bytes, None]:
        """The samples as the library makes them; only those that have to be stretched come all at once."""
        job = msgspec.msgpack.encode(utterance)
        tempo = library.stretch(utterance.speed)
        if tempo < 1:
            yield await call(waveform.at_tempo, await self._pool.answer(job), tempo, SAMPLE_RATE)
        else:
            async with aclosing(self._pool.pieces(job)) as pieces:
                async for pcm in pieces:
                    yield pcm

    async def _load(self) -> VoiceTable:
        if self._voices is None:
            try:
                await self._pool.warm_up()
                answer = await self._pool.answer(INVENTORY)
            except WorkerDied as error:
                raise Unavailable(
                    "The espeak-ng library cannot be loaded; reinstall the package espeakng-loader.", adapter=ADAPTER
                ) from error
            inventory = msgspec.msgpack.decode(answer, type=library.Inventory)
            self._voices = VoiceTable(inventory)
            self._info = msgspec.structs.replace(
                self._info,
                sample_rate=inventory.sample_rate,
                voices=tuple(self._voices.names),
                voice_languages=self._voices.languages,
            )
        return self._voices
