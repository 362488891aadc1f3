"""Measures each installed synthesiser against its library, called by hand in a loop on the same text."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec

from adapters.contract import tts
from tests.bench.plan import Plan
from tests.models import real

TEXT = "The lights in the kitchen are off now. Tomorrow will be cold and rainy, so take an umbrella with you."


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of audio that the engine makes in a second; how many times as fast as by hand it speaks the same text;
    milliseconds to a caller's first sound. Medians of the rounds.
    """

    engine: str
    callers: int
    rate: float
    of_by_hand: float
    first_sound: float
    first_by_hand: float


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A synthesiser that is ready; ``by_hand`` has the library speak, and yields whenever it gives some audio."""

    engine: tts.Synthesiser
    by_hand: Callable[[], Iterator[object]]


@asynccontextmanager
async def espeak() -> AsyncGenerator[Subject, None]:
    """The embedded voice."""
    from adapters.tts.espeak import library  # noqa: PLC0415
    from adapters.tts.espeak.adapter import Espeak  # noqa: PLC0415

    def by_hand() -> Iterator[object]:
        yield library.synthesise(TEXT, "gmw/en-US", 1.0)

    async with aclosing(Espeak(Espeak.Options())) as engine:
        await engine.warm_up()
        yield Subject(engine=engine, by_hand=by_hand)


@asynccontextmanager
async def piper() -> AsyncGenerator[Subject, None]:
    """The Piper voice of ``tests/models/real.py``."""
    from piper import PiperVoice  # noqa: PLC0415 - of an extra

    from adapters.tts.piper.adapter import Piper  # noqa: PLC0415

    folder = real.fetch("piper-joe")
    voice = PiperVoice.load(next(folder.glob("*.onnx")))

    def by_hand() -> Iterator[object]:
        yield from voice.synthesize(TEXT)

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

        def by_hand() -> Iterator[object]:
            yield model.create(TEXT, engine.info.default_voice, lang="en-us")

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

        def by_hand() -> Iterator[object]:
            yield voice.speak(TEXT, 1.0, 0)

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


def _by_hand(subject: Subject, callers: int) -> _Spoken:
    begun = time.perf_counter()
    first = []
    for _ in range(callers):
        moments = [time.perf_counter() - begun for _ in subject.by_hand()]
        first.append(moments[0])
    return _Spoken(first, time.perf_counter() - begun)


async def measure(plan: Plan, name: str) -> list[Row]:
    """Every number of callers; engine and library take turns."""
    rows = []
    async with SUBJECTS[name]() as subject:
        await _through(subject, 2)
        _by_hand(subject, 1)
        for callers in plan.callers:
            rounds = [(await _through(subject, callers), _by_hand(subject, callers)) for _ in range(plan.rounds)]
            rows.append(
                Row(
                    engine=name,
                    callers=callers,
                    rate=median(engine.audio / engine.clock for engine, _ in rounds),
                    of_by_hand=median(by_hand.clock / engine.clock for engine, by_hand in rounds),
                    first_sound=1000 * median(median(engine.first) for engine, _ in rounds),
                    first_by_hand=1000 * median(median(by_hand.first) for _, by_hand in rounds),
                )
            )
    return rows
