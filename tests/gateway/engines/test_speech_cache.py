"""The cache of speech: one synthesis for the same words, also for many at once; nothing private, nothing unfinished."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import tts
from adapters.contract.checks import tts_grammar
from adapters.contract.errors import UpstreamError
from gateway.engines.speech_cache import ENTRY_BYTES, CachedSynthesiser, MemorySpeechStore
from tests.support.streams import read

HELLO = tts.Request(text="Hello there.", voice="hum")


def engine(pause: float = 0.0) -> Any:
    return scripted.synthesiser(scripted.ToneVoice(pause=pause))


class Gated(scripted.Scripted[tts.Request, tts.Event, tts.Info]):
    """A voice that says one chunk, and the second when it may."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(tts.Info(sample_rate=24_000, voices=("hum",), default_voice="hum"), self._play)
        self.go = asyncio.Event()
        self.error = error

    async def _play(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.AudioChunk(pcm=b"\x01\x00" * 240)
        await self.go.wait()
        if self.error is not None:
            raise self.error
        yield tts.AudioChunk(pcm=b"\x02\x00" * 240)
        yield tts.Finished(seconds=0.02, characters=len(request.text))


def cached(engine: Any, store: MemorySpeechStore | None = None, identity: str = "e") -> CachedSynthesiser:
    return CachedSynthesiser(identity, engine, store or MemorySpeechStore(1_000_000))


def sound(events: list[Any]) -> bytes:
    tts_grammar(events)
    return b"".join(event.pcm for event in events if isinstance(event, tts.AudioChunk))


async def test_the_same_words_are_synthesised_once() -> None:
    voice = engine()
    cache = cached(voice)
    first = await read(cache.stream(HELLO))
    second = await read(cache.stream(HELLO))
    assert sound(first) == sound(second)
    assert (first[-1].cached, second[-1].cached) == (False, True)
    assert second[-1].seconds == pytest.approx(first[-1].seconds)
    assert second[-1].characters == first[-1].characters
    assert voice.opened == 1


@pytest.mark.parametrize(
    "other",
    [
        tts.Request(text="Hello there!", voice="hum"),
        tts.Request(text="Hello there.", voice="other"),
        tts.Request(text="Hello there.", voice="hum", speed=1.1),
        tts.Request(text="Hello there.", voice="hum", language="de"),
        tts.Request(text="Hello there.", voice="hum", instructions="Whisper."),
    ],
)
async def test_anything_else_is_synthesised(other: tts.Request) -> None:
    voice = engine()
    cache = cached(voice)
    await read(cache.stream(HELLO))
    await read(cache.stream(other))
    assert voice.opened == 2


async def test_engines_do_not_share_their_sounds() -> None:
    store, one, other = MemorySpeechStore(1_000_000), engine(), engine()
    await read(cached(one, store, "one").stream(HELLO))
    await read(cached(other, store, "other").stream(HELLO))
    assert (one.opened, other.opened) == (1, 1)


async def test_what_is_private_is_neither_kept_nor_shared() -> None:
    voice = engine()
    cache = cached(voice)
    private = tts.Request(text="Hello there.", voice="hum", private=True)
    await read(cache.stream(private))
    await read(cache.stream(private))
    await read(cache.stream(HELLO))
    assert voice.opened == 3
    await read(cache.stream(private))
    assert voice.opened == 4


async def test_many_who_ask_at_once_hear_one_synthesis_as_it_comes() -> None:
    voice = Gated()
    cache = cached(voice)
    streams = [cache.stream(HELLO) for _ in range(5)]
    begun = [[await anext(stream), await anext(stream)] for stream in streams]
    voice.go.set()
    heard = [events + await read(stream) for events, stream in zip(begun, streams, strict=True)]
    assert len({sound(events) for events in heard}) == 1
    assert [events[-1].cached for events in heard] == [False, True, True, True, True]
    assert voice.opened == 1


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    voice = Gated()
    cache = cached(voice)
    first, second = cache.stream(HELLO), cache.stream(HELLO)
    await anext(first)
    await anext(second)
    await first.aclose()
    assert voice.open == 1
    voice.go.set()
    rest = await read(second)
    assert isinstance(rest[-1], tts.Finished)


async def test_when_the_last_leaves_the_engine_is_free_at_once_and_nothing_is_kept() -> None:
    voice = Gated()
    cache = cached(voice)
    first, second = cache.stream(HELLO), cache.stream(HELLO)
    await anext(first)
    await anext(second)
    await first.aclose()
    await second.aclose()
    assert voice.open == 0
    voice.go.set()
    await read(cache.stream(HELLO))
    assert voice.opened == 2


async def test_a_failure_reaches_all_and_is_not_kept() -> None:
    voice = Gated(UpstreamError("odd"))
    cache = cached(voice)
    streams = [cache.stream(HELLO) for _ in range(3)]
    for stream in streams:
        await anext(stream)
    voice.go.set()
    for stream in streams:
        with pytest.raises(UpstreamError):
            await read(stream)
    voice.error = None
    await read(cache.stream(HELLO))
    assert voice.opened == 2


async def test_closing_ends_what_still_runs() -> None:
    voice = Gated()
    cache = cached(voice)
    stream = cache.stream(HELLO)
    await anext(stream)
    await cache.aclose()
    assert voice.open == 0
    await stream.aclose()


async def test_silence_is_not_kept() -> None:
    async def nothing(request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.Finished(seconds=0.0, characters=len(request.text))

    voice: Any = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("hum",), default_voice="hum"), nothing)
    cache = cached(voice)
    await read(cache.stream(HELLO))
    await read(cache.stream(HELLO))
    assert voice.opened == 2


async def test_the_least_recently_used_goes() -> None:
    store = MemorySpeechStore(3 * (100 + ENTRY_BYTES))
    for key in "abc":
        await store.put(key, bytes(100))
    await store.get("a")
    await store.put("d", bytes(100))
    assert [await store.get(key) is not None for key in "abcd"] == [True, False, True, True]
    await store.put("a", bytes(10_000))
    assert [await store.get(key) is not None for key in "acd"] == [False, True, True]
    await store.put("c", bytes(500))
    assert [await store.get(key) is not None for key in "cd"] == [True, False]
