"""A text is read to its end, cut at sentences, with a bounded head start of the synthesiser, within the turn's time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import tts
from adapters.contract.errors import TimedOut
from gateway.pipeline.answer import EVENTS_AHEAD, Speech
from gateway.pipeline.deadline import Deadline
from gateway.pipeline.playhead import Playhead
from gateway.pipeline.read_aloud import Read, ReadingFinished, read_aloud
from gateway.pipeline.speak import Delivery
from gateway.pipeline.utterance_scheduler import MOST_PENDING, Pacing
from gateway.telemetry.timings import Stopwatch
from gateway.text.normalization.normalizer import ReadingOptions
from tests.support.streams import read
from tests.support.virtual_time import in_virtual_time

DELIVERY = Delivery(
    voice="hum", speed=1.0, instructions=None, voice_language=None, text_language=None, reading=ReadingOptions()
)


def reading(text: str, engine: Any, seconds: float = 60.0) -> AsyncGenerator[Read, None]:
    pacing = Pacing(batch_sentences=1, first_utterance_seconds=0.3)
    speech = Speech(engine=engine, delivery=DELIVERY, pacing=pacing, playhead=Playhead())
    return read_aloud(text, speech, Deadline.of(seconds, 0.0), Stopwatch())


@pytest.mark.parametrize("sentences", [1, 3, 4 * MOST_PENDING])
async def test_all_of_the_text_is_spoken_once(sentences: int) -> None:
    engine = scripted.synthesiser()
    engine.requests = type(engine.requests)(maxlen=1000)
    text = " ".join(f"This is sentence {number}." for number in range(sentences))
    events = await read(reading(text, engine))
    assert events[-1] == ReadingFinished()
    assert len(engine.requests) == sentences
    assert engine.open == 0


@in_virtual_time
async def test_the_synthesiser_is_ahead_of_a_slow_reader_by_a_bound() -> None:
    made = 0

    async def eager(request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        nonlocal made
        made += 1
        yield tts.AudioChunk(pcm=b"\x00\x10" * 2400)
        yield tts.Finished(seconds=0.1, characters=len(request.text))

    engine = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("hum",), default_voice="hum"), eager)
    async with aclosing(reading("A short sentence. " * 200, engine)) as events:
        while not isinstance(await anext(events), tts.AudioChunk):
            pass
        await asyncio.sleep(30)
        assert 2 <= made <= EVENTS_AHEAD + 2
    assert engine.open == 0


@in_virtual_time
async def test_a_synthesiser_that_hangs_ends_with_the_time_of_the_turn() -> None:
    engine = scripted.synthesiser(scripted.ToneVoice(pause=3600.0))
    with pytest.raises(TimedOut, match="max_turn_seconds"):
        await read(reading("Hello.", engine, seconds=5.0))
    assert engine.open == 0
