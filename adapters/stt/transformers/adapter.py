"""The engine ``transformers``: one recognition model in this process for all sessions, one utterance at a time."""

import logging
import re
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

import msgspec

from adapters import hub
from adapters.blocking import call, iterate
from adapters.contract import audio, stt
from adapters.contract.engine import Started
from adapters.contract.errors import Unavailable, Unsupported
from adapters.stt import recording
from adapters.stt.transformers.failures import ADAPTER, DeviceLost, of_an_utterance, of_loading

SAMPLE_RATE = 16_000
MAX_SECONDS = 3600
"""Longest recording; the gateway's own limit is stricter unless somebody raises it."""

MIN_SECONDS = 0.1
"""Shorter than any word, and than what some models need for their first frame."""

_log = logging.getLogger(__name__)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One utterance to be recognised: s16le mono at 16 kHz, and a language (ISO 639-1) that the model knows."""

    pcm: bytes
    language: str | None
    prompt: str | None
    word_times: bool


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What was said, and in which language if the model can tell."""

    text: str
    words: tuple[stt.Word, ...] = ()
    language: str | None = None


class Transformers:
    """Any model for automatic speech recognition that transformers' pipeline takes: Whisper, CTC, transducers."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Which model, where and how precisely."""

        stt_model: Annotated[
            str, msgspec.Meta(min_length=1, description="Hub id or path of a speech recognition model.")
        ] = "openai/whisper-large-v3-turbo"
        stt_device: Annotated[
            Annotated[str, msgspec.Meta(min_length=1)] | None,
            msgspec.Meta(description="Where the model runs; when unset cuda if there, else mps, else cpu."),
        ] = None
        stt_torch_dtype: Annotated[
            Literal["float32", "float16", "bfloat16"] | None,
            msgspec.Meta(description="Precision of the weights; when unset the best of the device."),
        ] = None

    def __init__(self, options: Options) -> None:
        self._options = options
        self._model: Any = None
        self._failure: str | None = None
        self._info = stt.Info(sample_rate=SAMPLE_RATE, max_parallel=1)

    @property
    def info(self) -> stt.Info:
        """What it takes; languages and word times depend on the model and are known after ``warm_up``."""
        return self._info

    @property
    def failure(self) -> str | None:
        """Why it cannot answer any more."""
        return self._failure

    def preflight(self) -> None:
        """Look whether packages, device and model are there. Raises ``BadOption``."""
        hub.require("--stt transformers", "transformers", "torch", "transformers")
        if self._options.stt_device is not None:
            from adapters import devices  # noqa: PLC0415 - imports torch

            devices.require("--stt_device", self._options.stt_device)
        hub.resolve(self._options.stt_model, "--stt_model")

    async def warm_up(self) -> None:
        """Load the model, downloaded first where it is not in the cache. Raises ``Unavailable``, ``UpstreamError``."""
        begun = time.monotonic()
        name = self._options.stt_model
        _log.info("--stt transformers: loading %s (downloaded first where it is not in the cache).", name)
        try:
            self._model = await call(self._load)
        except Exception as error:
            raise of_loading(name, error) from error
        self._info = msgspec.structs.replace(
            self._info, languages=self._model.languages, word_times=self._model.word_times
        )
        _log.info("--stt transformers: loaded %s in %.1f s.", name, time.monotonic() - begun)

    def _load(self) -> Any:
        from adapters.stt.transformers.model import Model  # noqa: PLC0415 - imports torch

        options = self._options
        return Model(options.stt_model, device=options.stt_device, dtype=options.stt_torch_dtype)

    async def aclose(self) -> None:
        """Let go of the model."""
        self._model = None

    async def stream(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        """Recognise one utterance, as a whole.

        Raises ``Unsupported`` for a language or for word times that the model does not know, ``TooLong``,
        ``InvalidRequest``, ``Unavailable`` and ``UpstreamError``.
        """
        if self._model is None or self._failure is not None:
            raise Unavailable(f"The recogniser cannot answer: {self._failure or 'it is not loaded'}.", adapter=ADAPTER)
        if request.word_times and not self._info.word_times:
            raise Unsupported(
                "This recognition model gives no times of words; choose another --stt_model.",
                adapter=ADAPTER,
                param="word_times",
            )
        language = self._known(request.language)
        pcm = await recording.whole(request.audio, sample_rate=SAMPLE_RATE, most_seconds=MAX_SECONDS, adapter=ADAPTER)
        takes_prompts = self._model.takes_prompts
        yield Started(ignored=("prompt",) if request.prompt and not takes_prompts else ())
        heard = Heard(text="")
        if audio.seconds(pcm, SAMPLE_RATE) >= MIN_SECONDS:
            prompt = request.prompt if takes_prompts else None
            heard = await self._recognise(
                Asked(pcm=pcm, language=language, prompt=prompt or None, word_times=request.word_times)
            )
        yield stt.FinalTranscript(text=heard.text, words=heard.words)
        yield stt.Finished(language=heard.language or language, seconds=audio.seconds(pcm, SAMPLE_RATE))

    async def _recognise(self, asked: Asked) -> Heard:
        """In a thread; when this is cancelled, the model has stopped before the cancellation goes on."""
        left = threading.Event()
        model: Any = self._model
        heard: Heard
        try:
            async with aclosing(
                iterate(lambda: model.recognise(asked, left), ahead=1, interrupt=left.set)
            ) as recognised:
                (heard,) = [each async for each in recognised]
        except DeviceLost:
            self._failure = "its device failed, and the gateway has to be restarted"
            raise Unavailable(f"The recogniser cannot answer: {self._failure}.", adapter=ADAPTER) from None
        except Exception as error:
            raise of_an_utterance(error) from error
        return heard

    def _known(self, language: str | None) -> str | None:
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
