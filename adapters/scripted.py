"""Engines that play a script, for tests and benchmarks, with full control of every event, pause and failure.

A script is an async generator function of the request. It yields content events, and may sleep, wait or raise;
``Scripted`` sends ``Started`` before it and counts the streams that are open.
"""

import asyncio
import math
import struct
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Generic, TypeVar

import msgspec

from adapters.contract import llm, stt, tts
from adapters.contract.engine import Started

RequestT = TypeVar("RequestT")
EventT = TypeVar("EventT")
InfoT = TypeVar("InfoT")


class Scripted(Generic[RequestT, EventT, InfoT]):
    """An engine of any stage that plays ``script``, counts its streams and keeps the last ``requests``."""

    def __init__(self, info: InfoT, script: Callable[[RequestT], AsyncGenerator[EventT, None]]) -> None:
        self.info = info
        self.script = script
        self.open = 0
        self.opened = 0
        self.requests: deque[RequestT] = deque(maxlen=100)

    async def stream(self, request: RequestT) -> AsyncGenerator[EventT | Started, None]:
        """Play the script for this request."""
        self.open += 1
        self.opened += 1
        self.requests.append(request)
        try:
            yield Started()
            async with aclosing(self.script(request)) as events:
                async for event in events:
                    yield event
        finally:
            self.open -= 1

    def check(self, request: RequestT) -> None:
        """Every request can be played."""

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def aclose(self) -> None:
        """Nothing to release."""


LanguageModelScript = Callable[[llm.Request], AsyncGenerator[llm.Event, None]]


def language_model(script: LanguageModelScript) -> Scripted[llm.Request, llm.Event, llm.Info]:
    """A language model that takes every request and plays ``script``."""
    return Scripted(llm.Info(images=True, audio=True, tools=True), script)


def answering(*pieces: str, pause: float = 0.0) -> LanguageModelScript:
    """The script of a model that sends ``pieces``, with ``pause`` seconds before each."""

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for piece in pieces:
            await asyncio.sleep(pause)
            yield llm.TextDelta(text=piece)
        yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=1, output_tokens=len(pieces)))

    return script


def recogniser(text: str, *, pause: float = 0.0) -> Scripted[stt.Request, stt.Event, stt.Info]:
    """A recogniser that reads all the audio and, ``pause`` seconds later, gives ``text``."""

    async def script(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        samples = 0
        async for block in request.audio:
            samples += len(block) // 2
        await asyncio.sleep(pause)
        yield stt.FinalTranscript(text=text)
        yield stt.Finished(language=request.language or "en", seconds=samples / 16_000)

    return Scripted(stt.Info(sample_rate=16_000), script)


class ToneVoice(msgspec.Struct, frozen=True, kw_only=True):
    """How a scripted synthesiser sounds: a tone of ``frequency`` Hz, ``seconds_per_character``, in 40 ms chunks."""

    sample_rate: int = 24_000
    frequency: float = 440.0
    seconds_per_character: float = 0.02
    pause: float = 0.0
    """Seconds before the first chunk."""

    def chunk(self) -> bytes:
        """40 ms of the tone, s16le mono."""
        count = self.sample_rate // 25
        wave = (round(9000 * math.sin(2 * math.pi * self.frequency * n / self.sample_rate)) for n in range(count))
        return struct.pack(f"<{count}h", *wave)


def synthesiser(voice: ToneVoice | None = None) -> Scripted[tts.Request, tts.Event, tts.Info]:
    """A synthesiser that plays a tone for every text."""
    voice = voice or ToneVoice()
    chunk = voice.chunk()

    async def script(request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        await asyncio.sleep(voice.pause)
        count = max(1, round(len(request.text) * voice.seconds_per_character / 0.04))
        for _ in range(count):
            yield tts.AudioChunk(pcm=chunk)
        yield tts.Finished(seconds=count * 0.04, characters=len(request.text))

    return Scripted(tts.Info(sample_rate=voice.sample_rate, voices=("hum",), default_voice="hum"), script)
