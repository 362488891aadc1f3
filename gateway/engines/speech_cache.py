"""Keeps synthesised speech: the same words in the same voice are synthesised once, also for many who ask at once."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

import msgspec

from adapters.contract import audio, tts
from adapters.contract.engine import Preflight, Started, failure_of
from gateway.tasks import run_among

ENTRY_BYTES = 200
"""What an entry costs in memory beside its sound."""


class SpeechStore(Protocol):
    """Where sound is kept by key; it never fails: what it cannot give, it does not have."""

    async def get(self, key: str) -> bytes | None:
        """The sound under ``key``."""

    async def put(self, key: str, pcm: bytes) -> None:
        """Keep sound."""

    async def aclose(self) -> None:
        """Release everything; harmless when called twice."""


class MemorySpeechStore:
    """Sound in the memory of this process, within ``max_bytes``; the least recently used goes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._sounds: OrderedDict[str, bytes] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        """The sound under ``key``."""
        if key in self._sounds:
            self._sounds.move_to_end(key)
        return self._sounds.get(key)

    async def put(self, key: str, pcm: bytes) -> None:
        """Keep ``pcm`` unless it alone is too much."""
        self._drop(key)
        if len(pcm) + ENTRY_BYTES > self._max_bytes:
            return
        self._sounds[key] = pcm
        self._bytes += len(pcm) + ENTRY_BYTES
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._sounds)))

    def _drop(self, key: str) -> None:
        if (pcm := self._sounds.pop(key, None)) is not None:
            self._bytes -= len(pcm) + ENTRY_BYTES

    async def aclose(self) -> None:
        """There is nothing to release."""


class CachedSynthesiser:
    """``engine`` behind a cache. ``identity`` tells it from other engines, and from itself with other options.

    ``hits`` and ``misses`` count the utterances that were asked for since the start; one that others ask for at the
    same time is a hit.
    """

    def __init__(self, identity: str, engine: Any, store: SpeechStore) -> None:
        self._identity = identity
        self._engine = engine
        self.hits = 0
        self.misses = 0
        self._store = store
        self._flights: dict[str, _Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def info(self) -> tts.Info:
        """What the engine offers."""
        info: tts.Info = self._engine.info
        return info

    @property
    def alternatives(self) -> tuple[tts.Synthesiser]:
        """The engine that speaks what is not kept."""
        return (self._engine,)

    @property
    def failure(self) -> str | None:
        """Why the engine cannot speak any more."""
        return failure_of(self._engine)

    def preflight(self) -> None:
        """What the engine can say before anything binds. Raises ``BadOption``."""
        if isinstance(self._engine, Preflight):
            self._engine.preflight()

    def check(self, request: tts.Request) -> None:
        """What the engine says of a request."""
        self._engine.check(request)

    async def stream(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        """Speak one utterance: from the cache, with others who ask for the same now, or anew."""
        if request.private:
            async with aclosing(self._engine.stream(request)) as events:
                async for event in events:
                    yield event
            return
        key = self._key(request)
        if key not in self._flights and (pcm := await self._store.get(key)) is not None:
            self.hits += 1
            yield Started()
            yield tts.AudioChunk(pcm=pcm)
            seconds = audio.seconds(pcm, self.info.sample_rate)
            yield tts.Finished(seconds=seconds, characters=len(request.text), cached=True)
            return
        flight = self._flights.get(key)
        joined = flight is not None and not flight.abandoned
        self.hits += joined
        self.misses += not joined
        if flight is None or flight.abandoned:
            flight = self._flights[key] = _Flight()
            flight.task = run_among(self._tasks, self._fly(key, flight, request))
        async with aclosing(flight.events()) as events:
            async for event in events:
                joined_late = joined and isinstance(event, tts.Finished)
                yield msgspec.structs.replace(event, cached=True) if joined_late else event

    async def _fly(self, key: str, flight: "_Flight", request: tts.Request) -> None:
        """Synthesise for all who are on ``flight``, until the last of them has left; keep what came to its end."""
        try:
            pcm = await flight.run(self._engine.stream(request))
            if pcm:
                await self._store.put(key, pcm)
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _key(self, request: tts.Request) -> str:
        what = (self._identity, request.voice, request.speed, request.language, request.instructions, request.text)
        return hashlib.blake2b(msgspec.msgpack.encode(what), digest_size=32).hexdigest()

    async def warm_up(self) -> None:
        """Warm the engine up."""
        await self._engine.warm_up()

    async def aclose(self) -> None:
        """Close the engine."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._engine.aclose()


class _Flight:
    """One synthesis and all who listen to it; it is bounded, because an utterance is.

    It is ``abandoned`` once nobody listens any more and it has not come to its end.
    """

    def __init__(self) -> None:
        self.abandoned = False
        self._events: list[tts.Event] = []
        self._listeners = 0
        self._failure: Exception | None = None
        self._over = False
        self._changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def run(self, stream: AsyncGenerator[tts.Event, None]) -> bytes:
        """Play ``stream`` to the listeners; all of its sound once it has finished, else none."""
        try:
            async with aclosing(stream) as events:
                async for event in events:
                    self._events.append(event)
                    self._wake()
        except Exception as error:  # noqa: BLE001  raised again at each listener
            self._failure = error
            return b""
        finally:
            self._over = True
            self._wake()
        finished = bool(self._events) and isinstance(self._events[-1], tts.Finished)
        sound = b"".join(event.pcm for event in self._events if isinstance(event, tts.AudioChunk))
        return sound if finished else b""

    async def events(self) -> AsyncGenerator[tts.Event, None]:
        """Everything from the beginning, as it comes. When the last listener leaves early, the synthesis ends."""
        self._listeners += 1
        index = 0
        try:
            while True:
                while index < len(self._events):
                    yield self._events[index]
                    index += 1
                if self._failure is not None:
                    raise self._failure
                if self._over:
                    return
                await self._changed.wait()
        finally:
            self._listeners -= 1
            if not self._listeners and not self._over:
                self.abandoned = True
                await self._end()

    async def _end(self) -> None:
        """Stop the synthesis and wait until the engine is free."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
