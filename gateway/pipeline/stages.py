"""The stages of a turn: the model writes into a backlog of sentences, and the backlog is spoken meanwhile."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import assert_never

import msgspec

from adapters.contract import audio, llm, stt, tts
from adapters.contract.engine import Started
from adapters.contract.errors import TimedOut, UpstreamError
from adapters.contract.vad import VoiceActivity
from gateway.telemetry import Stopwatch
from gateway.text.speakable import speakable

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


DRY_MARGIN_SECONDS = 0.5
"""With less than this left to hear, an utterance is spoken even if its batch is not full."""

MOST_PENDING = 64
"""So many sentences may wait for synthesis before the model is made to wait."""


LONGEST_BATCH = 1_000
"""Characters of a batch: engines have limits, and a long utterance is heard late."""


class Backlog:
    """Sentences that are written and not yet spoken, and how much of the spoken audio is still unheard."""

    def __init__(self, batch_sentences: int) -> None:
        self._batch = batch_sentences
        self._sentences: deque[str] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self._audio_started: float | None = None
        self._audio_seconds = 0.0

    def put(self, sentence: str) -> None:
        """Add a sentence to be spoken."""
        self._sentences.append(sentence)
        self._changed.set()

    def close(self) -> None:
        """No more sentences will come."""
        self._closed = True
        self._changed.set()

    def sent(self, seconds: float) -> None:
        """Note that so much audio is on its way to the listener."""
        if self._audio_started is None:
            self._audio_started = time.monotonic()
        self._audio_seconds += seconds

    async def room(self) -> None:
        """Wait until there is room for another sentence."""
        while len(self._sentences) >= MOST_PENDING and not self._closed:
            await self._change(None)

    async def utterance(self) -> str | None:
        """The next text to speak, or ``None`` when all has been said.

        The first goes alone and at once. After that a batch is gathered, but never so that the listener runs dry.
        """
        while not self._closed:
            wait = self._patience()
            if self._sentences and (len(self._sentences) >= self._batch or wait <= 0):
                break
            await self._change(wait if self._sentences else None)
        if not self._sentences:
            return None
        text = self._sentences.popleft()
        count = 1 if self._audio_started is None else self._batch
        while self._sentences and count > 1 and len(text) + len(self._sentences[0]) <= LONGEST_BATCH:
            text += self._sentences.popleft()
            count -= 1
        self._changed.set()
        return text

    def _patience(self) -> float:
        """Seconds until the listener would run dry, less the margin; 0 before anything was spoken."""
        if self._audio_started is None:
            return 0.0
        return self._audio_started + self._audio_seconds - time.monotonic() - DRY_MARGIN_SECONDS

    async def _change(self, seconds: float | None) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass


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
    engine: tts.Synthesiser, template: tts.Request, backlog: Backlog, watch: Stopwatch
) -> AsyncGenerator[Started | tts.AudioChunk, None]:
    """Speak the backlog until it is closed and empty; ``template`` gives voice, speed, language and style.

    The engine's ``Started`` is passed on once. Its end without ``Finished`` is an ``UpstreamError``.
    """
    started: Started | None = None
    while (text := await backlog.utterance()) is not None:
        if not (words := speakable(text)):
            continue
        watch.mark("utterance")
        finished = False
        async with aclosing(engine.stream(msgspec.structs.replace(template, text=words))) as events:
            async for event in events:
                match event:
                    case tts.AudioChunk():
                        watch.mark("spoken")
                        backlog.sent(audio.seconds(event.pcm, engine.info.sample_rate))
                        yield event
                    case Started():
                        if started is None:
                            yield (started := event)
                    case tts.Finished():
                        finished = True
                    case _:
                        assert_never(event)
        if not finished:
            raise UpstreamError("The synthesiser's stream ended before the utterance was finished.")
