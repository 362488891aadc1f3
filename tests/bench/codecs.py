"""What each audio format costs: processor time for a minute of speech, and how many times faster than it is heard.

``python -m tests.bench.codecs`` (a quarter of a minute) encodes speech of espeak in chunks of 40 ms, as a turn does;
``--quick`` takes a few seconds of speech and shows only that it works.
"""

import asyncio
import statistics
import sys
import time
from contextlib import closing

import msgspec

from adapters.contract import audio, tts
from adapters.tts.espeak.adapter import Espeak
from gateway.audio.encode import FORMATS, Encoder

SENTENCE = "The quick brown fox jumps over the lazy dog, and nobody in the village minds. "
ROUNDS = 5


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """One encoding: seconds of speech, processor seconds, seconds by the clock, bytes that came out."""

    speech: float
    processor: float
    wall: float
    size: int

    @property
    def processor_per_minute(self) -> float:
        """Processor seconds for a minute of speech."""
        return self.processor / self.speech * 60

    @property
    def real_time_factor(self) -> float:
        """Seconds by the clock for a second of speech."""
        return self.wall / self.speech


async def speech(seconds: float) -> tuple[list[bytes], int]:
    """At least so much speech in the chunks of the engine, and its sample rate in Hz."""
    engine = Espeak(Espeak.Options())
    await engine.warm_up()
    chunks: list[bytes] = []
    try:
        while sum(map(len, chunks)) < seconds * engine.info.sample_rate * audio.SAMPLE_BYTES:
            async for event in engine.stream(tts.Request(text=SENTENCE * 10, voice="alloy")):
                if isinstance(event, tts.AudioChunk):
                    chunks.append(event.pcm)
    finally:
        await engine.aclose()
    return chunks, engine.info.sample_rate


def encode(name: str, chunks: list[bytes], sample_rate: int) -> Cost:
    """Encode ``chunks`` once into the format ``name``; its resampling to 24 kHz is part of the cost."""
    began, clock = time.process_time(), time.perf_counter()
    with closing(Encoder(name, sample_rate=sample_rate)) as encoder:
        size = sum(len(encoder.feed(chunk)) for chunk in chunks) + len(encoder.finish())
    processor, wall = time.process_time() - began, time.perf_counter() - clock
    seconds = audio.seconds(b"".join(chunks), sample_rate)
    return Cost(speech=seconds, processor=processor, wall=wall, size=size)


def measure(seconds: float, rounds: int) -> dict[str, Cost]:
    """The median of ``rounds`` encodings for each format; the formats take turns."""
    chunks, sample_rate = asyncio.run(speech(seconds))
    costs: dict[str, list[Cost]] = {name: [] for name in FORMATS}
    for _ in range(rounds):
        for name, found in costs.items():
            found.append(encode(name, chunks, sample_rate))
    return {
        name: Cost(
            speech=found[0].speech,
            processor=statistics.median(cost.processor for cost in found),
            wall=statistics.median(cost.wall for cost in found),
            size=found[0].size,
        )
        for name, found in costs.items()
    }


def main(arguments: list[str]) -> None:
    """Print the table."""
    costs = measure(3, 1) if "--quick" in arguments else measure(60, ROUNDS)
    print("| format | CPU s a minute of speech | real-time factor | times real time | kbit/s |")
    print("|---|--:|--:|--:|--:|")
    for name, cost in costs.items():
        print(
            f"| {name} | {cost.processor_per_minute:.3f} | {cost.real_time_factor:.5f} | "
            f"{1 / cost.real_time_factor:,.0f} | {cost.size * 8 / cost.speech / 1000:.0f} |"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
