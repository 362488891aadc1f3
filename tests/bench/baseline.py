"""The yardstick: the same stages called by hand, one after another, with nothing between them.

Run as ``python -m tests.bench.baseline DELAYS UPSTREAM``; runs each ``Load`` that comes as a line of JSON.
"""

import asyncio
import re
import sys
import time
import wave
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
import uvloop

from adapters.contract import llm, stt, tts
from gateway.engines.route import Engines
from gateway.settings.load import load
from tests.bench.delays import Delays
from tests.bench.load import Load, Round, offer
from tests.bench.stages import engines, flags
from tests.support.server import QUESTION

_SENTENCE = re.compile(r"[.!?]\s+(?=\S)")


def _samples() -> bytes:
    with wave.open(str(QUESTION)) as file:
        samples: bytes = file.readframes(file.getnframes())
    return samples


async def _blocks(pcm: bytes) -> AsyncGenerator[bytes, None]:
    yield pcm


async def _hear(engine: stt.Recogniser, pcm: bytes) -> str:
    text = ""
    async with aclosing(engine.stream(stt.Request(audio=_blocks(pcm), language=None))) as events:
        async for event in events:
            if isinstance(event, stt.FinalTranscript):
                text = event.text
    return text


async def _speak(engine: tts.Synthesiser, text: str) -> float:
    """Speak all of ``text``; the time of the first samples."""
    first: float | None = None
    async with aclosing(engine.stream(tts.Request(text=text, voice="hum", speed=1.0))) as events:
        async for event in events:
            if first is None and isinstance(event, tts.AudioChunk):
                first = time.perf_counter()
    assert first is not None, "the synthesiser always hums"
    return first


async def take_turn(on: Engines, pcm: bytes) -> float:
    """One turn: the first sentence is spoken as soon as it is there, the rest at the end; seconds to first audio."""
    assert on.stt is not None, "the engines of the benchmark have ears"
    begun = time.perf_counter()
    question = llm.Message(role="user", parts=(llm.Text(text=await _hear(on.stt, pcm)),))
    text, first = "", 0.0
    async with aclosing(on.llm.stream(llm.Request(model="bench", messages=(question,)))) as events:
        async for event in events:
            if isinstance(event, llm.TextDelta):
                text += event.text
                if not first and (sentence := _SENTENCE.search(text)):
                    first = await _speak(on.tts, text[: sentence.end()])
                    text = text[sentence.end() :]
    await _speak(on.tts, text)
    return first - begun


async def _run(on: Engines, wanted: Load) -> Round:
    pcm = _samples()
    before = time.process_time()
    first_audio = await offer(lambda: take_turn(on, pcm), wanted)
    return Round(first_audio=first_audio, cpu_seconds=time.process_time() - before)


def main(delays: Delays, upstream: str) -> None:
    """Run loads until there are no more."""
    on = engines(load(flags(upstream), {}).routes[0], delays)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            result = runner.run(_run(on, msgspec.json.decode(line, type=Load)))
            print(msgspec.json.encode(result).decode(), flush=True)
        runner.run(on.llm.aclose())


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Delays), sys.argv[2])
