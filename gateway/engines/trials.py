"""What an engine has to do before it is taken without being named: speak one sentence, or hear one."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from adapters.contract import audio, stt, tts
from adapters.contract.errors import Unsupported, UpstreamError
from gateway.audio.resample import Resampler
from gateway.engines.automatic import SENTENCE, Trial
from gateway.engines.voices import known_voice
from gateway.settings.model import GatewaySettings

SILENCE_SECONDS = 4
"""What is heard where no synthesiser can speak the sentence."""


def speaking_trial(settings: GatewaySettings) -> Trial:
    """Speaks the sentence as the settings of a route say. Raises ``AdapterError`` for a voice or language it lacks."""

    async def speak(engine: tts.Synthesiser) -> float:
        voice = known_voice(engine.info, settings.voice)
        request = tts.Request(text=SENTENCE, voice=voice, speed=settings.speed, language=settings.language)
        engine.check(request)
        return audio.seconds(await _sound(engine, request), engine.info.sample_rate)

    return speak


def hearing_trial(settings: GatewaySettings, voice: tts.Synthesiser | None) -> Trial:
    """Hears the sentence as ``voice`` speaks it, or as much silence. Raises ``AdapterError`` for another language."""

    async def hear(engine: stt.Recogniser) -> float:
        info = engine.info
        if settings.language is not None and info.languages is not None and settings.language not in info.languages:
            raise Unsupported(f"it does not understand {settings.language!r}")
        pcm = await _spoken_sentence(voice, info.sample_rate)
        finished = False
        async with (
            aclosing(_at_once(pcm)) as blocks,
            aclosing(engine.stream(stt.Request(audio=blocks, language=settings.language))) as events,
        ):
            async for event in events:
                finished = isinstance(event, stt.Finished)
        if not finished:
            raise UpstreamError("it did not finish")
        return audio.seconds(pcm, info.sample_rate)

    return hear


async def _spoken_sentence(voice: tts.Synthesiser | None, rate: int) -> bytes:
    """The sentence at ``rate`` Hz, s16le mono."""
    if voice is None:
        return bytes(SILENCE_SECONDS * rate * audio.SAMPLE_BYTES)
    await voice.warm_up()
    try:
        pcm = await _sound(voice, tts.Request(text=SENTENCE))
        resampler = Resampler(voice.info.sample_rate, rate)
        return resampler.feed(pcm) + resampler.finish()
    finally:
        await voice.aclose()


async def _sound(engine: tts.Synthesiser, request: tts.Request) -> bytes:
    async with aclosing(engine.stream(request)) as events:
        return b"".join([event.pcm async for event in events if isinstance(event, tts.AudioChunk)])


async def _at_once(pcm: bytes) -> AsyncGenerator[bytes, None]:
    yield pcm
