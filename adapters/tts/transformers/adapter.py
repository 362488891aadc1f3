"""The synthesiser ``transformers``: VITS and MMS-TTS models in this process, a model for each language or one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from adapters.blocking import Batch, BatchThread
from adapters.contract import tts
from adapters.contract.errors import Unavailable, UpstreamError
from adapters.local import requirements
from adapters.local.load_errors import load_error
from adapters.local.pretrained import PretrainedModel
from adapters.options import BadOption
from adapters.tts.limits import check_limits
from adapters.tts.model_option import Model
from adapters.tts.phrase_stream import spoken
from adapters.tts.transformers.batched import BATCH, PhraseBatch, PhraseJob
from adapters.tts.transformers.voices import ADAPTER, Chosen, VoiceTable, voice_name

if TYPE_CHECKING:
    from adapters.tts.transformers.model import VitsVoice

MAX_PARALLEL = BATCH
"""Utterances at once, whose phrases share batches."""


class TransformersSynthesiser:
    """Text to speech, phrase by phrase, in one thread; the models, and their batches, are shared by all sessions."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Which models, and on which device."""

        tts_model: Model = None
        tts_language_models: Annotated[
            dict[Annotated[str, Meta(pattern="^[a-z]{2}$")], Annotated[str, Meta(min_length=1)]],
            Meta(description="Models of single languages, by ISO 639-1 (de = facebook/mms-tts-deu)."),
        ] = {}
        tts_device: Annotated[
            Annotated[str, Meta(min_length=1)] | None,
            Meta(description="Device of the synthesiser; when unset cuda if available, else mps, else cpu."),
        ] = None

    def __init__(self, options: Options) -> None:
        self._options = options
        named = (options.tts_model, *options.tts_language_models.values())
        self._models = tuple(dict.fromkeys(model for model in named if model is not None))
        self._folders: dict[str, Path] = {}
        self._thread: BatchThread[PhraseJob, bytes, dict[str, VitsVoice]] = BatchThread(
            self._load, name="tts transformers", adapter=ADAPTER
        )
        self._table: VoiceTable | None = None
        # Most of these models know the letters of their language only: numbers are written out before.
        self._info = tts.Info(sample_rate=16_000, voices=(), default_voice="", max_parallel=MAX_PARALLEL)

    @property
    def failure(self) -> str | None:
        """Why it cannot speak any more."""
        return self._thread.down if self._table is not None else None

    @property
    def info(self) -> tts.Info:
        """A voice for each model, with ``+`` and a number where it has several speakers."""
        return self._info

    def preflight(self) -> None:
        """Check the packages, the device and the models. Raises ``BadOption``."""
        requirements.check_installed("--tts transformers", "transformers", "torch", "transformers")
        if not self._models:
            raise BadOption("--tts transformers needs a model: --tts_model or --tts_language_models names a VITS one.")
        if self._options.tts_device is not None:
            from adapters.local import devices  # noqa: PLC0415 - imports torch

            devices.check_device("--tts_device", self._options.tts_device)
        for model in self._models:
            self._pretrained(model).check()

    async def warm_up(self) -> None:
        """Load the models; those that are not here are downloaded first. Raises ``Unavailable``, ``UpstreamError``."""
        self._folders = {model: await self._pretrained(model).fetch(ADAPTER) for model in self._models}
        loaded = await self._thread.start()
        rate = loaded[self._models[0]].sample_rate
        for model, voice in loaded.items():
            if voice.sample_rate != rate:
                raise UpstreamError(
                    f"The models {self._models[0]!r} ({rate} Hz) and {model!r} ({voice.sample_rate} Hz) have different "
                    "sample rates; choose models of one rate.",
                    adapter=ADAPTER,
                )
        speakers = {model: voice.speakers for model, voice in loaded.items()}
        self._table = VoiceTable(speakers, self._options.tts_language_models)
        self._info = msgspec.structs.replace(
            self._info,
            sample_rate=rate,
            voices=self._table.names,
            default_voice=voice_name(self._models[0]),
            voice_languages=self._table.voice_languages,
        )

    async def aclose(self) -> None:
        """End the thread and free the models."""
        await self._thread.aclose()

    def check(self, request: tts.Request) -> None:
        """Raise ``InvalidRequest``, ``Unsupported`` or ``TooLong`` as ``stream`` would."""
        self._chosen(request)

    async def stream(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        """Speak one utterance of at most 5,000 characters.

        Raises ``InvalidRequest`` for an unknown voice or speed, ``Unsupported`` for a language without a model,
        ``TooLong``, ``Unavailable`` and ``UpstreamError``.
        """
        chosen = self._chosen(request)

        def speak(text: str, speed: float) -> Awaitable[bytes]:
            return self._speak(PhraseJob(text=text, speed=speed, chosen=chosen))

        speech = spoken(request, speak, sample_rate=self._info.sample_rate, adapter=ADAPTER)
        async with aclosing(speech) as events:
            async for event in events:
                yield event

    def _chosen(self, request: tts.Request) -> Chosen:
        check_limits(request, ADAPTER)
        if self._table is None:
            raise Unavailable("The models of --tts transformers are not loaded.", adapter=ADAPTER)
        return self._table.chosen(request.voice, request.language)

    def _pretrained(self, name: str) -> PretrainedModel:
        flag = "--tts_model" if name == self._options.tts_model else "--tts_language_models"
        return PretrainedModel(name=name, owner="--tts transformers", flag=flag)

    async def _speak(self, job: PhraseJob) -> bytes:
        async with aclosing(self._thread.stream(job, buffer=1)) as pieces:
            return b"".join([piece async for piece in pieces])

    def _load(self) -> tuple[Batch[PhraseJob, bytes], dict[str, VitsVoice]]:
        """In the thread: load the models."""
        voices = {name: self._loaded(name, folder) for name, folder in self._folders.items()}
        return PhraseBatch(voices), voices

    def _loaded(self, name: str, folder: Path) -> VitsVoice:
        from adapters.tts.transformers.model import VitsVoice  # noqa: PLC0415 - imports torch

        try:
            return VitsVoice(name, folder, self._options.tts_device)
        except Exception as error:
            raise load_error(
                error,
                model=f"The speech model {name!r}",
                adapter=ADAPTER,
                reason=f"{type(error).__name__}; it must be a VITS or MMS-TTS model, and its files must be complete.",
                if_too_large="choose another --tts_device",
            ) from error
