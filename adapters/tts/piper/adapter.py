"""The engine ``piper``: voices of the Piper project, one ONNX file and its JSON each, in worker processes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from adapters.contract import tts
from adapters.contract.description import EngineDescription
from adapters.local import weights
from adapters.local.requirements import check_installed
from adapters.tts.limits import check_limits
from adapters.tts.model_option import Model
from adapters.tts.phrase_workers import Phrase, PhraseWorkers
from adapters.tts.piper.source import source
from adapters.tts.piper.voices import ADAPTER, VoiceTable, find_voices


class Piper:
    """Text to speech, phrase by phrase; the workers, and the models in them, are shared by all sessions.

    Piper is under the GPL, version 3; it and the espeak-ng inside it run in processes of their own.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Which voices."""

        tts_model: Model = None

    description = EngineDescription(rank=30, loads_weights=True)

    def __init__(self, options: Options) -> None:
        self._model = options.tts_model
        # The espeak-ng inside reads numbers in the voice's language; "[[" and "]]" enclose IPA.
        self._info = tts.Info(
            sample_rate=22_050,
            voices=(),
            default_voice="",
            reads=frozenset({"numbers"}),
            phonemes=True,
        )
        self._voices: VoiceTable | None = None
        self._workers: PhraseWorkers | None = None

    @property
    def info(self) -> tts.Info:
        """The voices of the files: a file's name, with ``+`` and a speaker where it has several."""
        return self._info

    def preflight(self) -> None:
        """Check the package and the voice files, or that the hub has them. Raises ``BadOption``."""
        check_installed("--tts piper", "piper", "piper", "huggingface_hub")
        place = weights.check(source(self._model))
        if place is not None:
            find_voices(place)

    async def warm_up(self) -> None:
        """Load the voices in the workers, and download them first if need be. Raises ``Unavailable``, ``BadOption``."""
        files = find_voices(await weights.fetch(source(self._model), adapter=ADAPTER))
        self._voices = table = VoiceTable(files)
        self._info = msgspec.structs.replace(
            self._info,
            sample_rate=files[0].sample_rate,
            voices=tuple(table.languages),
            default_voice=table.default,
            aliases=table.aliases,
            voice_languages=table.languages,
        )
        paths = [file.path for file in files]
        self._workers = PhraseWorkers("adapters.tts.piper.worker:synthesiser", *paths, adapter=ADAPTER)
        await self._workers.warm_up()

    async def aclose(self) -> None:
        """End the workers."""
        if self._workers is not None:
            await self._workers.aclose()

    def check(self, request: tts.Request) -> None:
        """Raise ``InvalidRequest``, ``Unsupported`` or ``TooLong`` as ``stream`` would."""
        self._phrase(request)

    async def stream(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        """Speak one utterance of at most 5,000 characters.

        Raises ``InvalidRequest`` for an unknown voice or speed, ``Unsupported`` for a language without a voice,
        ``TooLong``, ``Unavailable``, and ``UpstreamError``, also for a text that ends the worker.
        """
        if self._workers is None:
            await self.warm_up()
        phrase = self._phrase(request)
        assert self._workers is not None
        async with aclosing(self._workers.stream(request, phrase, self._info.sample_rate)) as events:
            async for event in events:
                yield event

    def _phrase(self, request: tts.Request) -> Phrase:
        """How ``request`` is to be spoken."""
        check_limits(request, ADAPTER)
        assert self._voices is not None
        voice = self._voices.voice(request.voice, request.language)
        return Phrase(text="", voice=voice, speed=request.speed)
