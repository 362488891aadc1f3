"""The recogniser ``transformers``: one model in this process for all sessions, one utterance at a time."""

import logging
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

import msgspec

from adapters.blocking import BatchThread
from adapters.contract import audio, stt
from adapters.contract.description import EngineDescription
from adapters.contract.engine import Started
from adapters.contract.errors import Unavailable, Unsupported
from adapters.local import hub, requirements
from adapters.stt import whole_audio
from adapters.stt.transformers.errors import ADAPTER, load_error
from adapters.stt.transformers.recognition import SAMPLE_RATE, RecognitionRequest, RecognitionResult

MAX_SECONDS = 3600
"""The longest recording; the gateway's own limit is stricter by default."""

MIN_SECONDS = 0.1
"""Shorter than any word, and than some models need for their first frame."""

_log = logging.getLogger(__name__)


class _Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What is known once the model is loaded; ``languages`` is ``None`` when it has no choice of languages."""

    languages: tuple[str, ...] | None
    word_times: bool
    takes_prompts: bool


class TransformersRecogniser:
    """Any model for automatic speech recognition that the pipeline of transformers takes: Whisper, CTC, transducers.

    Loads its model in ``warm_up``, in the one thread that then recognises all utterances.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Which model, on which device and in which precision."""

        stt_model: Annotated[
            str, msgspec.Meta(min_length=1, description="Hub id or path of a speech recognition model.")
        ] = "openai/whisper-large-v3-turbo"
        stt_device: Annotated[
            Annotated[str, msgspec.Meta(min_length=1)] | None,
            msgspec.Meta(description="Device of the model; when unset cuda if available, else mps, else cpu."),
        ] = None
        stt_torch_dtype: Annotated[
            Literal["float32", "float16", "bfloat16"] | None,
            msgspec.Meta(description="Precision of the weights; when unset the best that the device supports."),
        ] = None

    description = EngineDescription(model_option="stt_model")

    def __init__(self, options: Options) -> None:
        self._options = options
        self._thread: BatchThread[RecognitionRequest, RecognitionResult, _Ready] = BatchThread(
            self._load, name=f"stt {ADAPTER}", adapter=ADAPTER
        )
        self._ready: _Ready | None = None
        self._info = stt.Info(sample_rate=SAMPLE_RATE, max_parallel=1)

    @property
    def info(self) -> stt.Info:
        """What it takes; languages and word times depend on the model and are known after ``warm_up``."""
        return self._info

    @property
    def failure(self) -> str | None:
        """Why it cannot recognise any more."""
        return self._thread.down if self._ready is not None else None

    def preflight(self) -> None:
        """Check the packages, the device and the model. Raises ``BadOption``."""
        requirements.check_installed("--stt transformers", "transformers", "torch", "transformers")
        if self._options.stt_device is not None:
            from adapters.local import devices  # noqa: PLC0415 - imports torch

            devices.check_device("--stt_device", self._options.stt_device)
        hub.check_model(self._options.stt_model, "--stt_model")

    async def warm_up(self) -> None:
        """Load the model, and download it first if it is not cached. Raises ``Unavailable``, ``UpstreamError``."""
        started = time.monotonic()
        name = self._options.stt_model
        _log.info("--stt transformers: loading %s (downloading it first if it is not cached).", name)
        try:
            ready = self._ready = await self._thread.start()
        except Exception as error:
            raise load_error(name, error) from error
        self._info = msgspec.structs.replace(self._info, languages=ready.languages, word_times=ready.word_times)
        _log.info("--stt transformers: loaded %s in %.1f s.", name, time.monotonic() - started)

    def _load(self) -> tuple[Any, _Ready]:
        """In the thread: load the model."""
        from adapters.stt.transformers import model, pipeline, sequential  # noqa: PLC0415 - they import torch

        options = self._options
        loaded = model.RecognitionModel(
            pipeline.load_pipeline(options.stt_model, device=options.stt_device, dtype=options.stt_torch_dtype)
        )
        ready = _Ready(languages=loaded.languages, word_times=loaded.word_times, takes_prompts=loaded.takes_prompts)
        return sequential.SequentialBatch(loaded, self._thread.check), ready

    async def aclose(self) -> None:
        """End the thread and free the model."""
        await self._thread.aclose()

    async def stream(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        """Recognise one utterance, as a whole.

        Raises ``Unsupported`` for a language or for word times that the model does not know, ``TooLong``,
        ``InvalidRequest``, ``Unavailable`` and ``UpstreamError``.
        """
        if self._ready is None or self._thread.down is not None:
            raise Unavailable(f"The recogniser cannot answer: {self._thread.down}.", adapter=ADAPTER)
        if request.word_times and not self._info.word_times:
            raise Unsupported(
                "This recognition model gives no word times; choose another --stt_model.",
                adapter=ADAPTER,
                param="word_times",
            )
        language = self._known_language(request.language)
        pcm = await whole_audio.gather(request.audio, sample_rate=SAMPLE_RATE, max_seconds=MAX_SECONDS, adapter=ADAPTER)
        takes_prompts = self._ready.takes_prompts
        yield Started(ignored=("prompt",) if request.prompt and not takes_prompts else ())
        result = RecognitionResult(text="")
        if audio.seconds(pcm, SAMPLE_RATE) >= MIN_SECONDS:
            prompt = request.prompt if takes_prompts else None
            result = await self._recognise(
                RecognitionRequest(pcm=pcm, language=language, prompt=prompt or None, word_times=request.word_times)
            )
        yield stt.FinalTranscript(text=result.text, words=result.words)
        yield stt.Finished(language=result.language or language, seconds=audio.seconds(pcm, SAMPLE_RATE))

    async def _recognise(self, request: RecognitionRequest) -> RecognitionResult:
        """Recognise in the thread; when this is cancelled, the model has stopped before the cancellation passes."""
        async with aclosing(self._thread.stream(request, buffer=1)) as results:
            return await anext(results)

    def _known_language(self, language: str | None) -> str | None:
        """The language as the model names it. Raises ``Unsupported``."""
        if language is None:
            return None
        code = re.split("[-_]", language.lower())[0]
        known = self._info.languages
        if known is not None and code not in known:
            some = ", ".join(known[:10]) + (" and others" if len(known) > 10 else "")
            raise Unsupported(
                f"The recognition model does not understand {language!r}, only {some} (ISO 639-1).",
                adapter=ADAPTER,
                param="language",
            )
        return code
