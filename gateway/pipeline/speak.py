"""Speaking stage: utterances out of the scheduler, normalised for reading aloud, through the synthesiser."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import assert_never

import msgspec

from adapters.contract import audio, tts
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from gateway.engines.fallback_voice import SpokenBy
from gateway.engines.voices import language_of
from gateway.pipeline.playhead import Playhead
from gateway.pipeline.utterance_joins import UtteranceJoins
from gateway.pipeline.utterance_scheduler import UtteranceScheduler
from gateway.telemetry.timings import Stopwatch
from gateway.text.normalization.normalizer import Normalizer, ReadingOptions
from gateway.text.segmentation.length_limit import divided

LONGEST_CHUNK_SECONDS = 0.1
"""What is done to a chunk, such as encoding it, holds everything else up: speech that was there before, and that of
servers that send whole files, comes in one."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer is spoken: voice, speed (1.0 is normal), style, and how written text is read aloud.

    ``voice_language`` (ISO 639-1) goes to the synthesiser. ``text_language`` is that of the text as far as it is known:
    numbers and dates are spelled out in it even where the synthesiser is told none; an unknown one is the voice's own.
    Nothing ``private`` is cached.
    """

    voice: str
    speed: float
    instructions: str | None
    voice_language: str | None
    text_language: str | None
    reading: ReadingOptions
    private: bool = False

    def request(self, text: str) -> tts.Request:
        """The synthesiser's request for one utterance."""
        return tts.Request(
            text=text,
            voice=self.voice,
            speed=self.speed,
            language=self.voice_language,
            instructions=self.instructions,
            private=self.private,
        )


class UtteranceStarted(msgspec.Struct, frozen=True, kw_only=True, tag="utterance_started"):
    """The audio that follows is that of ``text``, as the model wrote it, with what came before and cannot be said.

    A pause before it belongs to no utterance.
    """

    text: str


class UtteranceFinished(msgspec.Struct, frozen=True, kw_only=True, tag="utterance_finished"):
    """One utterance was synthesised: characters given to the synthesiser, seconds of audio made of them.

    ``stood_in`` names the engines that spoke in place of the route's own; ``cached`` speech was not made anew.
    """

    characters: int
    seconds: float
    stood_in: tuple[str, ...] = ()
    cached: bool = False


Spoken = Started | tts.AudioChunk | UtteranceStarted | UtteranceFinished


async def speak(
    engine: tts.Synthesiser, delivery: Delivery, scheduler: UtteranceScheduler, watch: Stopwatch, playhead: Playhead
) -> AsyncGenerator[Spoken, None]:
    """Speak what ``scheduler`` gives until it is closed and empty; ``playhead`` learns what audio belongs to what text.

    The engine's ``Started`` is passed on once. Raises ``AdapterError``: ``UpstreamError`` when the engine stops before
    an utterance is finished, or makes no sound of words.
    """
    language = delivery.text_language or language_of(engine.info, delivery.voice)
    normalizer = Normalizer(delivery.reading, language, engine.info)
    rate = engine.info.sample_rate
    joins = UtteranceJoins(rate, delivery.speed)
    started = worded = sounded = False
    unsaid = ""
    while (text := await scheduler.utterance()) is not None:
        parts = divided(normalizer.normalize(text))
        pause = joins.pause() if parts else b""
        pending = audio.seconds(pause, rate)
        if pause:
            playhead.begin("")  # silence, in which no text is heard
            playhead.made(pending)
            playhead.complete()
            yield tts.AudioChunk(pcm=pause)
        playhead.begin(text)
        unsaid += text
        for words in parts:
            worded = worded or any(map(str.isalnum, words))
            watch.mark("tts_request")
            async with aclosing(_utterance(engine, delivery.request(words))) as events:
                async for event in events:
                    match event:
                        case tts.AudioChunk():
                            watch.mark("tts_first_audio")
                            sounded = True
                            pcm = joins.feed(event.pcm)
                            seconds = audio.seconds(pcm, rate)
                            scheduler.spoken(pending + seconds)
                            pending = 0.0
                            playhead.made(seconds)
                            for piece in _captioned(pcm, unsaid):
                                yield piece
                            unsaid = "" if pcm else unsaid
                        case Started():
                            if not started:
                                yield event
                            started = True
                        case UtteranceFinished():
                            watch.mark_end("tts_done")
                            yield event
                        case _:
                            assert_never(event)
        if parts:
            joins.end(parts[-1])
        playhead.complete()
    if worded and not sounded:
        raise UpstreamError("The synthesiser made no sound of the text; choose another voice, or an engine with --tts.")


def _captioned(pcm: bytes, text: str) -> Iterator[Spoken]:
    """``pcm``, if there is any; with it begins the utterance ``text``, if that is not empty."""
    if pcm and text:
        yield UtteranceStarted(text=text)
    if pcm:
        yield tts.AudioChunk(pcm=pcm)


async def _utterance(
    engine: tts.Synthesiser, request: tts.Request
) -> AsyncGenerator[Started | tts.AudioChunk | UtteranceFinished, None]:
    """One utterance. Raises ``UpstreamError`` where the engine's stream ends without ``Finished``."""
    finished: tts.Finished | None = None
    size = round(LONGEST_CHUNK_SECONDS * engine.info.sample_rate) * audio.SAMPLE_BYTES
    async with aclosing(engine.stream(request)) as events:
        async for event in events:
            match event:
                case tts.Finished():
                    finished = event
                case tts.AudioChunk(pcm=pcm):
                    for start in range(0, len(pcm), size):
                        if start:  # the listener gets what came before first, and others have their turn
                            await asyncio.sleep(0)
                        yield tts.AudioChunk(pcm=pcm[start : start + size])
                case Started():
                    yield event
                case _:
                    assert_never(event)
    if finished is None:
        raise UpstreamError("The synthesiser's stream ended before the utterance was finished.")
    stood_in = finished.engines if isinstance(finished, SpokenBy) else ()
    yield UtteranceFinished(
        characters=finished.characters, seconds=finished.seconds, stood_in=stood_in, cached=finished.cached
    )
