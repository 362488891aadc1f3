"""What the recognisers that run a model in this process have in common: one thread, one model, all sessions."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from adapters.blocking import Batch, BatchThread
from adapters.contract import audio, stt
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, Unavailable
from adapters.stt import capabilities, whole_audio
from adapters.stt.recognition import SAMPLE_RATE, ModelFacts, RecognitionRequest, RecognitionResult

MAX_SECONDS = 3600
"""The longest recording; the gateway's own limit is stricter by default."""

MIN_SECONDS = 0.1
"""Shorter than any word, and than some models need for their first frame."""

_log = logging.getLogger(__name__)


class LocalRecogniser(ABC):
    """A recogniser whose ``model`` is loaded in ``warm_up``, in the one thread that then recognises all recordings.

    ``adapter`` is its registered name, ``max_parallel`` how many recordings it recognises in one batch.
    """

    def __init__(self, *, adapter: str, model: str, max_parallel: int) -> None:
        self._adapter = adapter
        self._model = model
        self._thread: BatchThread[RecognitionRequest, RecognitionResult, ModelFacts] = BatchThread(
            self._load, name=f"stt {adapter}", adapter=adapter
        )
        self._facts: ModelFacts | None = None
        self._info = stt.Info(sample_rate=SAMPLE_RATE, max_parallel=max_parallel)

    @abstractmethod
    def _load(self) -> tuple[Batch[RecognitionRequest, RecognitionResult], ModelFacts]:
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
        """Load the model, and download it first if it is not cached. Raises ``Unavailable``, ``UpstreamError``."""
        started = time.monotonic()
        _log.info("--stt %s: loading %s (downloading it first if it is not cached).", self._adapter, self._model)
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
        )
        _log.info("--stt %s: loaded %s in %.1f s.", self._adapter, self._model, time.monotonic() - started)

    async def aclose(self) -> None:
        """End the thread and free the model."""
        await self._thread.aclose()

    async def stream(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        """Recognise one recording, as a whole.

        Raises ``Unsupported`` for what the model cannot do, ``TooLong``, ``InvalidRequest``, ``Unavailable`` and
        ``UpstreamError``.
        """
        if self._facts is None or self._thread.down is not None:
            raise Unavailable(f"The recogniser cannot answer: {self._thread.down}.", adapter=self._adapter)
        capabilities.check(self._info, request, adapter=self._adapter, way_out="choose another --stt_model")
        language = capabilities.known_language(self._info, request.language, adapter=self._adapter)
        pcm = await whole_audio.gather(
            request.audio, sample_rate=SAMPLE_RATE, max_seconds=MAX_SECONDS, adapter=self._adapter
        )
        without_effect = capabilities.ignored(request, self._facts.ignored)
        yield Started(ignored=without_effect)
        result = RecognitionResult(text="")
        if audio.seconds(pcm, SAMPLE_RATE) >= MIN_SECONDS:
            result = await self._recognise(
                RecognitionRequest(
                    pcm=pcm,
                    language=language,
                    prompt=None if "prompt" in without_effect else request.prompt or None,
                    temperature=None if "temperature" in without_effect else request.temperature,
                    word_times=request.word_times,
                    segment_times=request.segment_times,
                    translate=request.translate,
                )
            )
        yield stt.FinalTranscript(text=result.text, words=result.words, segments=result.segments)
        yield stt.Finished(language=result.language or language, seconds=audio.seconds(pcm, SAMPLE_RATE))

    async def _recognise(self, request: RecognitionRequest) -> RecognitionResult:
        """Recognise in the thread; when this is cancelled, the model has stopped before the cancellation passes."""
        async with aclosing(self._thread.stream(request, buffer=1)) as results:
            return await anext(results)
