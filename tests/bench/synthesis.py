"""Measures each installed synthesiser against its library, called by hand in a loop on the same text."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory

import msgspec

from adapters.contract import tts
from adapters.tts.pieces import phrases, pieces
from tests.bench.plan import Plan
from tests.models import real
from tests.support.workers import speech

TEXT = "The lights in the kitchen are off now. Tomorrow will be cold and rainy, so take an umbrella with you."


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of audio that the engine makes in a second; how many times as fast as by hand it speaks the same text,
    which the library gets whole or in the engine's phrases; milliseconds to a caller's first sound.

    Medians of the rounds.
    """

    engine: str
    callers: int
    rate: float
    of_by_hand: float
    of_phrases: float
    first_sound: float
    first_by_hand: float


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A synthesiser that is ready; ``by_hand`` has the library speak a text, and yields whenever it gives some audio.

    ``cut`` is how the engine cuts texts.
    """

    engine: tts.Synthesiser
    by_hand: Callable[[str], Iterator[object]]
    cut: Callable[[str], Iterator[str]] = phrases


@asynccontextmanager
async def espeak() -> AsyncGenerator[Subject, None]:
    """The embedded voice."""
    from adapters.tts.espeak.adapter import Espeak  # noqa: PLC0415

    def by_hand(text: str) -> Iterator[object]:
        yield speech(text, "gmw/en-US")

    async with aclosing(Espeak(Espeak.Options())) as engine:
        await engine.warm_up()
        yield Subject(engine=engine, by_hand=by_hand, cut=pieces)


@asynccontextmanager
async def piper() -> AsyncGenerator[Subject, None]:
    """The Piper voice of ``tests/models/real.py``."""
    from piper import PiperVoice  # noqa: PLC0415 - of an extra

    from adapters.tts.piper.adapter import Piper  # noqa: PLC0415

    folder = real.fetch("piper-joe")
    voice = PiperVoice.load(next(folder.glob("*.onnx")))

    def by_hand(text: str) -> Iterator[object]:
        yield from voice.synthesize(text)

    async with aclosing(Piper(Piper.Options(tts_model=str(folder)))) as engine:
        await engine.warm_up()
        yield Subject(engine=engine, by_hand=by_hand)


@asynccontextmanager
async def kokoro() -> AsyncGenerator[Subject, None]:
    """Kokoro (int8) of ``tests/models/real.py``."""
    from kokoro_onnx import Kokoro as Library  # noqa: PLC0415 - of an extra

    from adapters.tts.kokoro.adapter import Kokoro  # noqa: PLC0415
    from adapters.tts.kokoro.model_files import find_model  # noqa: PLC0415

    folder = real.fetch("kokoro")
    files = find_model(folder)
    model = Library(files.model, files.voices, vocab_config=files.vocabulary or None)
    async with aclosing(Kokoro(Kokoro.Options(tts_model=str(folder)))) as engine:
        await engine.warm_up()

        def by_hand(text: str) -> Iterator[object]:
            yield model.create(text, engine.info.default_voice, lang="en-us")

        yield Subject(engine=engine, by_hand=by_hand)


@asynccontextmanager
async def transformers() -> AsyncGenerator[Subject, None]:
    """The tests' tiny VITS, which makes noise in the right shapes."""
    from adapters.tts.transformers.adapter import TransformersSynthesiser  # noqa: PLC0415
    from adapters.tts.transformers.model import VitsVoice  # noqa: PLC0415 - imports torch
    from tests.models.tiny_vits import build  # noqa: PLC0415 - imports torch

    with TemporaryDirectory() as folder:
        model = str(build(Path(folder) / "vits"))
        voice = VitsVoice(model, Path(model), "cpu")

        def by_hand(text: str) -> Iterator[object]:
            yield voice.speak([text], 1.0, 0)

        options = TransformersSynthesiser.Options(tts_model=model, tts_device="cpu")
        async with aclosing(TransformersSynthesiser(options)) as engine:
            await engine.warm_up()
            yield Subject(engine=engine, by_hand=by_hand)


SUBJECTS: Mapping[str, Callable[[], AbstractAsyncContextManager[Subject]]] = {
    "espeak": espeak,
    "piper": piper,
    "kokoro": kokoro,
    "transformers": transformers,
}


class _Spoken(msgspec.Struct, frozen=True):
    """Seconds to each caller's first sound, by the clock in all, and of audio."""

    first: list[float]
    clock: float
    audio: float = 0.0


async def _through(subject: Subject, callers: int) -> _Spoken:
    begun = time.perf_counter()

    async def listen() -> tuple[float, float]:
        first = seconds = 0.0
        async with aclosing(subject.engine.stream(tts.Request(text=TEXT, language="en"))) as events:
            async for event in events:
                if isinstance(event, tts.AudioChunk):
                    first = first or time.perf_counter() - begun
                elif isinstance(event, tts.Finished):
                    seconds = event.seconds
        return first, seconds

    heard = await asyncio.gather(*(listen() for _ in range(callers)))
    clock = time.perf_counter() - begun
    return _Spoken([first for first, _ in heard], clock, sum(seconds for _, seconds in heard))


def _by_hand(subject: Subject, callers: int, texts: Sequence[str]) -> _Spoken:
    begun = time.perf_counter()
    first = []
    for _ in range(callers):
        moments = [time.perf_counter() - begun for text in texts for _ in subject.by_hand(text)]
        first.append(moments[0])
    return _Spoken(first, time.perf_counter() - begun)


async def _round(
    subject: Subject, callers: int, cut: Sequence[str], seconds: float
) -> tuple[_Spoken, _Spoken, _Spoken]:
    """The engine, the library with the whole text, and with its phrases; each begins with caches that are its own."""
    await _through(subject, 1)
    engine = [await _through(subject, callers)]
    while sum(each.clock for each in engine) < seconds:
        engine.append(await _through(subject, callers))
    _by_hand(subject, 1, cut)
    whole, phrased = (_loop(subject, callers, texts, seconds) for texts in ([TEXT], cut))
    return _all(engine), whole, phrased


def _loop(subject: Subject, callers: int, texts: Sequence[str], seconds: float) -> _Spoken:
    spoken = [_by_hand(subject, callers, texts)]
    while sum(each.clock for each in spoken) < seconds:
        spoken.append(_by_hand(subject, callers, texts))
    return _all(spoken)


def _all(spoken: Sequence[_Spoken]) -> _Spoken:
    """The first sounds of all, and what one of them took."""
    return _Spoken(
        first=[moment for each in spoken for moment in each.first],
        clock=fmean(each.clock for each in spoken),
        audio=fmean(each.audio for each in spoken),
    )


async def measure(plan: Plan, name: str) -> list[Row]:
    """Every number of callers; engine and library take turns, quick ones more often: what they take varies."""
    rows = []
    async with SUBJECTS[name]() as subject:
        await _through(subject, 2)
        cut = list(subject.cut(TEXT))
        _by_hand(subject, 1, cut)
        for callers in plan.callers:
            begun = time.perf_counter()
            rounds = [await _round(subject, callers, cut, plan.loop_seconds) for _ in range(plan.rounds)]
            while time.perf_counter() - begun < plan.least_seconds:
                rounds.append(await _round(subject, callers, cut, plan.loop_seconds))
            rows.append(
                Row(
                    engine=name,
                    callers=callers,
                    rate=median(engine.audio / engine.clock for engine, _, _ in rounds),
                    of_by_hand=median(by_hand.clock / engine.clock for engine, by_hand, _ in rounds),
                    of_phrases=median(by_phrase.clock / engine.clock for engine, _, by_phrase in rounds),
                    first_sound=1000 * median(median(engine.first) for engine, _, _ in rounds),
                    first_by_hand=1000 * median(median(by_hand.first) for _, by_hand, _ in rounds),
                )
            )
    return rows
