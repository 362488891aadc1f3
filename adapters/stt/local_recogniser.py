"""What the recognisers that run a model in this process have in common: one thread, one model, all sessions."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from adapters.blocking import Batch, BatchThread
from adapters.contract import stt
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, Unavailable
from adapters.stt import capabilities, whole_audio
from adapters.stt.agreement import Agreement
from adapters.stt.live_audio import moments
from adapters.stt.recognition import (
    MAX_BEGINNINGS,
    SAMPLE_RATE,
    ModelFacts,
    Recognised,
    RecognisedSoFar,
    RecognitionRequest,
    RecognitionResult,
)

MAX_SECONDS = 3600
"""The longest recording; the gateway's own limit is stricter by default."""

MIN_SECONDS = 0.1
"""Shorter than any word, and than some models need for their first frame."""

_log = logging.getLogger(__name__)


class LocalRecogniser(ABC):
    """A recogniser whose model is loaded in ``warm_up``, in the one thread that then recognises all recordings.

    ``adapter`` is its registered name, ``max_parallel`` how many recordings it recognises in one batch.
    """

    def __init__(self, *, adapter: str, max_parallel: int) -> None:
        self._adapter = adapter
        self._thread: BatchThread[RecognitionRequest, Recognised, ModelFacts] = BatchThread(
            self._load, name=f"stt {adapter}", adapter=adapter
        )
        self._facts: ModelFacts | None = None
        self._info = stt.Info(sample_rate=SAMPLE_RATE, max_parallel=max_parallel)

    @abstractmethod
    def _model(self) -> str:
        """The model to be loaded; may import the library that loads it."""

    @abstractmethod
    def _load(self) -> tuple[Batch[RecognitionRequest, Recognised], ModelFacts]:
        """In the thread: load the model."""

    @abstractmethod
    def _load_error(self, error: Exception) -> AdapterError:
        """Why the model could not be loaded, and the way out."""

    @property
    def info(self) -> stt.Info:
        """What it takes; all but ``max_parallel`` depends on the model and is known after ``warm_up``."""
        return self._info

    @property
    def failure(self) -> str | None:
        """Why it cannot recognise any more."""
        return self._thread.down if self._facts is not None else None

    async def warm_up(self) -> None:
        """Load the model, whose files are here. Raises ``Unavailable``, ``UpstreamError``."""
        started, model = time.monotonic(), self._model()
        _log.info("--stt %s: loading %s.", self._adapter, model)
        try:
            facts = self._facts = await self._thread.start()
        except Exception as error:
            raise self._load_error(error) from error
        self._info = msgspec.structs.replace(
            self._info,
            languages=facts.languages,
            word_times=facts.word_times,
            segment_times=facts.segment_times,
            translation=facts.translation,
            live=facts.word_times,
        )
        _log.info("--stt %s: loaded %s in %.1f s.", self._adapter, model, time.monotonic() - started)

    async def aclose(self) -> None:
        """End the thread and free the model."""
        await self._thread.aclose()

    async def stream(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        """Recognise one recording as a whole, and what is spoken live also in between.

        There are partial transcripts after each window of a long recording, and of live audio if the model gives the
        times of words, unless segments or a translation are asked for. Audio that ends where a hypothesis was made
        is not recognised once more. Raises ``Unsupported`` for what the model cannot do, ``TooLong``,
        ``InvalidRequest``, ``Unavailable`` and ``UpstreamError``.
        """
        if self._facts is None or self._thread.down is not None:
            raise Unavailable(f"The recogniser cannot answer: {self._thread.down}.", adapter=self._adapter)
        capabilities.check(self._info, request, adapter=self._adapter, way_out="choose another --stt_model")
        asked = self._asked(request, self._facts)
        started = Started(ignored=capabilities.ignored(request, self._facts.ignored))
        is_partial = self._facts.word_times and not request.segment_times and not request.translate
        agreement, latest = Agreement(), RecognitionResult(text="")
        async with aclosing(moments(request.audio, sample_rate=SAMPLE_RATE)) as blocks:
            async for block, is_due in blocks:
                agreement.feed(block)
                whole_audio.check_length(agreement.seconds, max_seconds=MAX_SECONDS, adapter=self._adapter)
                if is_due and is_partial:
                    if not agreement.has_hypothesis:
                        yield started
                    latest = await self._recognise(_timed(asked, agreement.window()))
                    yield agreement.hypothesis(latest)
                elif not block and agreement.has_hypothesis and agreement.is_covered:
                    yield agreement.so_far()
        if agreement.has_hypothesis:
            if not agreement.is_covered:
                latest = await self._recognise(_timed(asked, agreement.window()))
                agreement.hypothesis(latest)
            text, words = agreement.final()
            result = msgspec.structs.replace(latest, text=text, words=words if request.word_times else ())
        else:
            yield started
            result = RecognitionResult(text="")
            async with aclosing(self._recognised(msgspec.structs.replace(asked, pcm=agreement.window()))) as found:
                async for each in found:
                    if isinstance(each, RecognisedSoFar):
                        yield stt.PartialTranscript(stable=each.text)
                    else:
                        result = each
        yield stt.FinalTranscript(text=result.text, words=result.words, segments=result.segments)
        yield stt.Finished(language=result.language or asked.language, seconds=agreement.seconds)

    def _asked(self, request: stt.Request, facts: ModelFacts) -> RecognitionRequest:
        """What is asked of the model, still without audio."""
        return RecognitionRequest(
            pcm=b"",
            language=capabilities.known_language(self._info, request.language, adapter=self._adapter),
            prompt=None if "prompt" in facts.ignored else request.prompt or None,
            temperature=None if "temperature" in facts.ignored else request.temperature,
            word_times=request.word_times,
            segment_times=request.segment_times,
            translate=request.translate,
        )

    async def _recognise(self, request: RecognitionRequest) -> RecognitionResult:
        """The result alone; when this is cancelled, the model has stopped before the cancellation passes."""
        async with aclosing(self._recognised(request)) as found:
            async for each in found:
                if isinstance(each, RecognitionResult):
                    return each
        return RecognitionResult(text="")

    async def _recognised(self, request: RecognitionRequest) -> AsyncGenerator[Recognised, None]:
        """Recognise in the thread; too little audio for a word gives nothing."""
        if request.seconds >= MIN_SECONDS:
            async with aclosing(self._thread.stream(request, buffer=MAX_BEGINNINGS)) as found:
                async for each in found:
                    yield each


def _timed(asked: RecognitionRequest, pcm: bytes) -> RecognitionRequest:
    return msgspec.structs.replace(asked, pcm=pcm, word_times=True)
