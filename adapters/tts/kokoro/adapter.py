"""The engine ``kokoro``: the Kokoro model, an ONNX file and a file of voices, in worker processes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from adapters.contract import tts
from adapters.contract.description import EngineDescription
from adapters.local import weights
from adapters.local.requirements import check_installed
from adapters.tts.kokoro.model_files import find_model, source
from adapters.tts.kokoro.voices import ADAPTER, VoiceTable
from adapters.tts.limits import check_limits
from adapters.tts.model_option import Model
from adapters.tts.phrase_workers import Phrase, PhraseWorkers

SAMPLE_RATE = 24_000


class Kokoro:
    """Text to speech, phrase by phrase; the workers, and the model in them, are shared by all sessions.

    Several voices with ``+`` between them are mixed. The phonemiser, and the espeak-ng that it uses, are under the GPL,
    version 3; they run in processes of their own.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Which model."""

        tts_model: Model = None

    description = EngineDescription(rank=20, loads_weights=True)

    def __init__(self, options: Options) -> None:
        self._model = options.tts_model
        # It takes the marks in numbers, times and amounts for the ends of sentences.
        self._info = tts.Info(sample_rate=SAMPLE_RATE, voices=(), default_voice="")
        self._voices: VoiceTable | None = None
        self._workers: PhraseWorkers | None = None

    @property
    def info(self) -> tts.Info:
        """The voices of the model; the first letter of each is its language."""
        return self._info

    def preflight(self) -> None:
        """Check the package and the files of the model, or that the hub has them. Raises ``BadOption``."""
        check_installed("--tts kokoro", "kokoro", "kokoro_onnx", "huggingface_hub")
        place = weights.check(source(self._model))
        if place is not None:
            find_model(place)

    async def warm_up(self) -> None:
        """Load the model in the workers, and download it first if need be. Raises ``Unavailable``, ``BadOption``."""
        files = find_model(await weights.fetch(source(self._model), adapter=ADAPTER))
        self._voices = table = VoiceTable(files.names)
        self._info = msgspec.structs.replace(
            self._info,
            voices=table.names,
            default_voice=table.default,
            aliases=table.aliases,
            voice_languages=table.languages,
        )
        paths = (files.model, files.voices, files.vocabulary)
        self._workers = PhraseWorkers("adapters.tts.kokoro.worker:synthesiser", *paths, adapter=ADAPTER)
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

        Raises ``InvalidRequest`` for an unknown voice or speed, ``Unsupported`` for a language, ``TooLong``,
        ``Unavailable``, and ``UpstreamError``, also for a text that ends the worker.
        """
        if self._workers is None:
            await self.warm_up()
        phrase = self._phrase(request)
        assert self._workers is not None
        async with aclosing(self._workers.stream(request, phrase, SAMPLE_RATE)) as events:
            async for event in events:
                yield event

    def _phrase(self, request: tts.Request) -> Phrase:
        """How ``request`` is to be spoken."""
        check_limits(request, ADAPTER)
        assert self._voices is not None
        chosen = self._voices.chosen(request.voice, request.language)
        return Phrase(text="", voice=chosen.voice, speed=request.speed, language=chosen.dialect)
