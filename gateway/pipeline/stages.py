"""The stages of a turn: the model writes into a backlog of sentences, and the backlog is spoken meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import assert_never

import msgspec

from adapters.contract import audio, llm, stt, tts
from adapters.contract.engine import Started
from adapters.contract.errors import TimedOut, UpstreamError
from adapters.contract.vad import VoiceActivity
from gateway.pipeline.backlog import Backlog
from gateway.pipeline.heard import Heard
from gateway.telemetry import Stopwatch
from gateway.text.normalization.normalizer import Normalizer, ReadingOptions
from gateway.text.segmentation.length_limit import limited

MODEL_HEARING_RATE = 16_000
"""Hz of a recording that goes to the model itself; speech needs no more."""


class Engines(msgspec.Struct, frozen=True, kw_only=True):
    """The engines of one route; without ``stt`` the model listens itself, without ``vad`` to silence too."""

    stt: stt.Recogniser | None
    llm: llm.LanguageModel
    tts: tts.Synthesiser
    vad: VoiceActivity | None = None

    @property
    def hearing_rate(self) -> int:
        """The sample rate in Hz at which a question is heard."""
        if self.stt is not None:
            return self.stt.info.sample_rate
        return self.vad.sample_rate if self.vad is not None else MODEL_HEARING_RATE


class Pacing(msgspec.Struct, frozen=True, kw_only=True):
    """When to speak: sentences in a batch, seconds after the first token until the words so far are spoken.

    ``turn_seconds`` is what the whole turn may take, the listener's own pace included.
    """

    batch_sentences: int
    first_utterance_seconds: float
    turn_seconds: float

    def deadline(self, watch: Stopwatch) -> float:
        """The loop's time at which the turn that ``watch`` measures is over."""
        return asyncio.get_running_loop().time() + self.turn_seconds - watch.elapsed

    def overdue(self) -> TimedOut:
        """The error of a turn that takes longer."""
        return TimedOut(f"The turn took longer than {self.turn_seconds:g} s; --max_turn_seconds says how long it may.")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer is spoken: the synthesiser's request without its text, how writing is read aloud, and when.

    ``language`` (ISO 639-1) is that of the answer, as far as it is known; the synthesiser may have been told none.
    """

    speaking: tts.Request
    reading: ReadingOptions
    language: str | None
    pacing: Pacing


async def written(model: llm.LanguageModel, request: llm.Request, backlog: Backlog) -> AsyncGenerator[llm.Event, None]:
    """The model's stream, held back while the backlog is full; an end without ``Finished`` is an ``UpstreamError``."""
    finished = False
    async with aclosing(model.stream(request)) as events:
        async for event in events:
            await backlog.room()
            finished = isinstance(event, llm.Finished)
            yield event
    if not finished:
        raise UpstreamError("The language model's stream ended before the answer was finished.")


async def voiced(
    engine: tts.Synthesiser, delivery: Delivery, backlog: Backlog, watch: Stopwatch, heard: Heard
) -> AsyncGenerator[Started | tts.AudioChunk, None]:
    """Speak the backlog until it is closed and empty, and note in ``heard`` what audio is made of what is written.

    The engine's ``Started`` is passed on once. Its end without ``Finished`` is an ``UpstreamError``.
    """
    normalizer = Normalizer(delivery.reading, delivery.language, engine.info)
    started: Started | None = None
    while (text := await backlog.utterance()) is not None:
        heard.begin(text)
        for words in limited(normalizer.normalize(text)):
            watch.mark("utterance")
            async with aclosing(_speech(engine, msgspec.structs.replace(delivery.speaking, text=words))) as events:
                async for event in events:
                    match event:
                        case tts.AudioChunk():
                            watch.mark("spoken")
                            seconds = audio.seconds(event.pcm, engine.info.sample_rate)
                            backlog.spoken(seconds)
                            heard.made(seconds)
                            yield event
                        case Started():
                            if started is None:
                                yield (started := event)
                        case _:
                            assert_never(event)
        heard.complete()


async def _speech(engine: tts.Synthesiser, request: tts.Request) -> AsyncGenerator[Started | tts.AudioChunk, None]:
    """One utterance; raises ``UpstreamError`` where the engine's stream ends without ``Finished``."""
    finished = False
    async with aclosing(engine.stream(request)) as events:
        async for event in events:
            if isinstance(event, tts.Finished):
                finished = True
            else:
                yield event
    if not finished:
        raise UpstreamError("The synthesiser's stream ended before the utterance was finished.")
