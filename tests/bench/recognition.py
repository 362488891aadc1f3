"""Measures each installed recogniser against its library, called by hand in a loop on the same recordings."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from statistics import median
from typing import Any

import msgspec
import numpy as np
import soxr

from adapters.contract import stt
from adapters.contract.checks import read
from adapters.tts.espeak import library
from tests.bench.plan import Plan
from tests.models import real
from tests.support.workers import answered, speech

RATE = 16_000
TEXT = (
    "Please turn off the lights in the kitchen. I would like a cup of coffee with milk. The weather tomorrow will be "
    "cold and rainy. How many people live in New York today? We need to buy bread, butter and cheese. This machine can "
    "understand what people say. He opened the window because it was very hot. Could you tell me the way to the "
    "station? It was a dark and stormy night, and the rain fell in torrents. She reads a book every evening."
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of audio recognised in a second, by the engine and by hand; medians of the rounds."""

    engine: str
    seconds: int
    callers: int
    rate: float
    by_hand: float


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A recogniser that is ready; ``by_hand`` has the library recognise PCM (s16le mono at 16 kHz) and blocks."""

    engine: stt.Recogniser
    by_hand: Callable[[bytes], str]
    recording: Callable[[int], bytes]


def spoken(seconds: int) -> bytes:
    """Speech (s16le mono at 16 kHz) of exactly this length."""
    pcm = np.frombuffer(speech(TEXT, "gmw/en-US"), np.int16)
    samples = soxr.resample(pcm, library.inventory().sample_rate, RATE)
    return bytes(np.resize(samples, seconds * RATE).astype("<i2").tobytes())


def _floats(pcm: bytes) -> Any:
    return np.frombuffer(pcm, "<i2").astype(np.float32) / 32768


@asynccontextmanager
async def faster_whisper() -> AsyncGenerator[Subject, None]:
    """whisper-base of ``tests/models/real.py``, int8 on the CPU."""
    from faster_whisper import WhisperModel  # noqa: PLC0415 - of an extra

    from adapters.stt.faster_whisper.adapter import FasterWhisper  # noqa: PLC0415

    folder = str(real.fetch("whisper-base"))
    model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=min(8, os.cpu_count() or 1))

    def by_hand(pcm: bytes) -> str:
        segments, _info = model.transcribe(_floats(pcm), language="en", beam_size=1)
        return "".join(segment.text for segment in segments)

    async with aclosing(FasterWhisper(FasterWhisper.Options(stt_model=folder, stt_device="cpu"))) as engine:
        await engine.warm_up()
        yield Subject(engine=engine, by_hand=by_hand, recording=spoken)


@asynccontextmanager
async def transformers() -> AsyncGenerator[Subject, None]:
    """The tests' tiny Whisper, whose windows are of 4 s, on what it has learnt."""
    from adapters.stt.transformers.adapter import TransformersRecogniser  # noqa: PLC0415
    from adapters.stt.transformers.pipeline import load_pipeline  # noqa: PLC0415 - imports torch
    from tests.models import tiny_whisper  # noqa: PLC0415 - imports torch

    folder = tiny_whisper.trained()
    pipeline = load_pipeline(folder, device="cpu", dtype=None)
    question, *_ = tiny_whisper.recordings()
    window = np.zeros(tiny_whisper.WINDOW_SECONDS * RATE, np.float32)
    window[: len(question.samples)] = question.samples

    def by_hand(pcm: bytes) -> str:
        wanted = {"language": "en", "task": "transcribe"}
        is_long = len(pcm) / 2 > len(window)
        return str(pipeline(_floats(pcm), generate_kwargs=wanted, return_timestamps=is_long)["text"])

    def recording(seconds: int) -> bytes:
        return bytes((np.resize(window, seconds * RATE) * 32767).astype("<i2").tobytes())

    async with aclosing(
        TransformersRecogniser(TransformersRecogniser.Options(stt_model=str(folder), stt_device="cpu"))
    ) as engine:
        await engine.warm_up()
        yield Subject(engine=engine, by_hand=by_hand, recording=recording)


@asynccontextmanager
async def pocketsphinx() -> AsyncGenerator[Subject, None]:
    """The embedded recogniser."""
    from adapters.stt.pocketsphinx import decoder  # noqa: PLC0415
    from adapters.stt.pocketsphinx.adapter import PocketSphinx  # noqa: PLC0415

    decode = decoder.recogniser()

    async with aclosing(PocketSphinx(PocketSphinx.Options())) as engine:
        await engine.warm_up()
        yield Subject(engine=engine, by_hand=lambda pcm: repr(answered(decode, pcm)), recording=spoken)


SUBJECTS: Mapping[str, Callable[[], AbstractAsyncContextManager[Subject]]] = {
    "faster-whisper": faster_whisper,
    "transformers": transformers,
    "pocketsphinx": pocketsphinx,
}


async def _once(pcm: bytes) -> AsyncIterator[bytes]:
    yield pcm


async def _through(subject: Subject, pcm: bytes, callers: int) -> float:
    started = time.perf_counter()
    requests = [stt.Request(audio=_once(pcm), language="en") for _ in range(callers)]
    await asyncio.gather(*(read(subject.engine.stream(request)) for request in requests))
    return callers * len(pcm) / 2 / RATE / (time.perf_counter() - started)


def _by_hand(subject: Subject, pcm: bytes, callers: int) -> float:
    started = time.perf_counter()
    for _ in range(callers):
        assert subject.by_hand(pcm)
    return callers * len(pcm) / 2 / RATE / (time.perf_counter() - started)


async def measure(plan: Plan, name: str) -> list[Row]:
    """Every length with every number of callers; engine and library take turns."""
    rows = []
    async with SUBJECTS[name]() as subject:
        for seconds in plan.seconds:
            pcm = subject.recording(seconds)
            await _through(subject, pcm, 1)
            _by_hand(subject, pcm, 1)
            for callers in plan.callers:
                rounds = [
                    (await _through(subject, pcm, callers), _by_hand(subject, pcm, callers)) for _ in range(plan.rounds)
                ]
                rate, by_hand = (median(column) for column in zip(*rounds, strict=True))
                rows.append(Row(engine=name, seconds=seconds, callers=callers, rate=rate, by_hand=by_hand))
    return rows
