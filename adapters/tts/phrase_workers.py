"""Speaks an utterance phrase by phrase in worker processes: for models whose native code some texts can crash."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import msgspec

from adapters.blocking import Limits, Send, Work, WorkerDied, WorkerPool
from adapters.contract import tts
from adapters.contract.errors import TimedOut, Unavailable, UpstreamError
from adapters.tts.phrase_stream import spoken

WORKERS = 2
"""With two, a text that ends one of them keeps nobody waiting for the next one to load."""

_TIMEOUT_SECONDS = 120
_LIMITS = Limits(cpu_seconds=240, unwanted_seconds=10)
"""A phrase takes some seconds at most; loading is not limited, and takes longer than the rest of a phrase."""

_ARE_YOU_LOADED = b""
"""The job that is answered with why the model could not be loaded, and with nothing when it was."""


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's own name of a voice, and of the language if the worker has to know it."""

    voice: str
    language: str | None = None


class Phrase(msgspec.Struct, frozen=True, kw_only=True):
    """The job of a worker: who says what, and how fast."""

    text: str
    speed: float
    speaker: Speaker


class UnusableModel(Exception):
    """Raised in a worker while it loads: the message is one sentence for the user."""


class PhraseWorkers:
    """Processes that each load the model once and speak one phrase at a time, for whoever asks first.

    ``target`` is the factory of ``adapters.blocking.WorkerPool``, which returns what ``answering`` returns.
    """

    def __init__(self, target: str, *arguments: str, adapter: str) -> None:
        self._adapter = adapter
        self.pool = WorkerPool(
            target, *arguments, size=WORKERS, timeout=_TIMEOUT_SECONDS, adapter=adapter, limits=_LIMITS
        )

    async def warm_up(self) -> None:
        """Load the model in every worker. Raises ``Unavailable``."""
        try:
            await self.pool.warm_up()
            reason = await self.pool.answer(_ARE_YOU_LOADED)
        except WorkerDied as error:
            raise Unavailable(
                f"--tts {self._adapter} could not load its model: its worker process ended (see the log).",
                adapter=self._adapter,
            ) from error
        if reason:
            raise Unavailable(reason.decode(), adapter=self._adapter)

    async def aclose(self) -> None:
        """End the workers."""
        await self.pool.aclose()

    async def stream(self, request: tts.Request, speaker: Speaker, sample_rate: int) -> AsyncGenerator[tts.Event, None]:
        """Have ``speaker`` say the text of ``request`` at its speed. Raises ``UpstreamError``, ``Unavailable``."""

        def speak(text: str, speed: float) -> Awaitable[bytes]:
            return self._speak(Phrase(text=text, speed=speed, speaker=speaker))

        async with aclosing(spoken(request, speak, sample_rate=sample_rate, adapter=self._adapter)) as events:
            async for event in events:
                yield event

    async def _speak(self, job: Phrase) -> bytes:
        try:
            return await self.pool.answer(msgspec.msgpack.encode(job))
        except (WorkerDied, TimedOut) as error:
            raise UpstreamError(
                f"The synthesiser {self._adapter} failed on a text; choose another engine with --tts.",
                adapter=self._adapter,
            ) from error


def answering(load: Callable[[], Callable[[Phrase], bytes]]) -> Work:
    """In a worker: load the model; the function returned answers jobs. ``load`` may raise ``UnusableModel``."""
    reason = ""
    try:
        speak = load()
    except UnusableModel as error:
        reason = str(error)

    def answer(job: bytes, _send: Send) -> bytes:
        if job == _ARE_YOU_LOADED:
            return reason.encode()
        return speak(msgspec.msgpack.decode(job, type=Phrase))

    return answer
