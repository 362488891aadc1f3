"""What the synthesisers share whose model speaks phrase by phrase in worker processes: loading, voices, streams."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import msgspec

from adapters.contract import tts
from adapters.contract.errors import Unavailable
from adapters.local import weights
from adapters.local.requirements import check_installed
from adapters.local.weights import Source
from adapters.tts.limits import check_limits
from adapters.tts.phrase_workers import PhraseWorkers, Speaker


class Voices(msgspec.Struct, frozen=True, kw_only=True):
    """The voices of a model: ``files`` are the arguments of the workers' factory.

    ``speaker`` finds who is meant by the voice and the language of a request. Raises ``InvalidRequest`` for a voice
    and ``Unsupported`` for a language that there is not.
    """

    files: tuple[str, ...]
    info: tts.Info
    speaker: Callable[[str | None, str | None], Speaker]


class PhraseSynthesiser(ABC):
    """A synthesiser with its model in worker processes, which all sessions share.

    ``adapter`` is its registered name, ``package`` what it needs to be installed; ``info`` is all that is known before
    the model is here.
    """

    def __init__(self, *, adapter: str, package: str, info: tts.Info) -> None:
        self._adapter = adapter
        self._package = package
        self._info = info
        self._voices: Voices | None = None
        self._workers: PhraseWorkers | None = None

    @abstractmethod
    def _source(self) -> Source:
        """Where the files of the model come from."""

    @abstractmethod
    def _find(self, place: Path) -> Voices:
        """The voices in the files at ``place``. Raises ``BadOption``."""

    @property
    def info(self) -> tts.Info:
        """The voices of the model; complete after ``warm_up``."""
        return self._info

    def preflight(self) -> None:
        """Check the packages and the files of the model, or that the hub has them. Raises ``BadOption``."""
        check_installed(f"--tts {self._adapter}", self._adapter, self._package, "huggingface_hub")
        place = weights.check(self._source())
        if place is not None:
            self._find(place)

    async def warm_up(self) -> None:
        """Load the model in the workers, and download it first if need be. Raises ``Unavailable``, ``BadOption``."""
        voices = self._find(await weights.fetch(self._source(), adapter=self._adapter))
        target = f"adapters.tts.{self._adapter}.worker:synthesiser"
        self._workers = PhraseWorkers(target, *voices.files, adapter=self._adapter)
        await self._workers.warm_up()
        self._voices, self._info = voices, voices.info

    async def aclose(self) -> None:
        """End the workers."""
        if self._workers is not None:
            await self._workers.aclose()

    def check(self, request: tts.Request) -> None:
        """Raise ``InvalidRequest``, ``Unsupported`` or ``TooLong`` as ``stream`` would."""
        self._speaker(request)

    async def stream(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        """Speak one utterance of at most 5,000 characters.

        Raises ``InvalidRequest`` for an unknown voice or speed, ``Unsupported`` for a language without a voice,
        ``TooLong``, ``Unavailable``, and ``UpstreamError``, also for a text that ends the worker.
        """
        speaker = self._speaker(request)
        assert self._workers is not None
        async with aclosing(self._workers.stream(request, speaker, self._info.sample_rate)) as events:
            async for event in events:
                yield event

    def _speaker(self, request: tts.Request) -> Speaker:
        check_limits(request, self._adapter)
        if self._voices is None:
            raise Unavailable(f"The model of --tts {self._adapter} is not loaded.", adapter=self._adapter)
        return self._voices.speaker(request.voice, request.language)
