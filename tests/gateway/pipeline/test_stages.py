"""Writing and speaking, one on either side of the backlog: held back, read aloud, and ended as they should be."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm, tts
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from gateway.pipeline.backlog import MOST_PENDING, Backlog
from gateway.pipeline.heard import Heard
from gateway.pipeline.stages import Delivery, Pacing, voiced, written
from gateway.telemetry import Stopwatch
from gateway.text.normalization.normalizer import ReadingOptions
from tests.gateway.pipeline.reading import read

REQUEST = llm.Request(model="m", messages=())


SPEAKING = tts.Request(text="")
PACING = Pacing(batch_sentences=1, first_utterance_seconds=1, turn_seconds=60)


def delivery(speaking: tts.Request = SPEAKING) -> Delivery:
    return Delivery(speaking=speaking, reading=ReadingOptions(), language=None, pacing=PACING)


def full(*sentences: str) -> Backlog:
    """A backlog of these sentences, to which nothing will be added."""
    backlog = Backlog(1, 1.0)
    for sentence in sentences:
        backlog.write(sentence)
    backlog.close()
    return backlog


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_speech_that_ends_without_an_end_is_an_error() -> None:
    async def broken(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.AudioChunk(pcm=b"\0\0")

    engine = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("v",), default_voice="v"), broken)
    with pytest.raises(UpstreamError, match="before the utterance was finished"):
        await read(voiced(engine, delivery(), full("Hello."), Stopwatch(), Heard()))


async def counting(made: list[int], count: int) -> AsyncGenerator[llm.Event, None]:
    for number in range(count):
        made.append(number)
        yield llm.TextDelta(text="x")
    yield llm.Finished(reason="stop", usage=None)


async def test_the_model_waits_while_too_much_is_unspoken() -> None:
    made: list[int] = []
    model = scripted.language_model(lambda _request: counting(made, 500))
    backlog = Backlog(1, 1.0)

    async def write() -> None:
        async for event in written(model, REQUEST, backlog):
            if isinstance(event, llm.TextDelta):
                backlog.write("A sentence. ")

    writing = asyncio.create_task(write())
    await settle()
    await settle()
    assert MOST_PENDING <= len(made) <= MOST_PENDING + 3
    stopped_at = len(made)
    async with asyncio.timeout(10):
        assert await backlog.utterance() is not None
        await settle()
        assert len(made) == stopped_at + 1, "the model was not let on by one"
        while not writing.done():
            await backlog.utterance()
            await asyncio.sleep(0)
    await writing


async def test_a_stream_without_an_end_is_an_error_of_the_upstream() -> None:
    async def breaking_off(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="And then ")

    model = scripted.language_model(breaking_off)
    with pytest.raises(UpstreamError, match="ended before the answer was finished"):
        await read(written(model, REQUEST, Backlog(1, 1.0)))
    assert model.open == 0


async def spoken(*sentences: str, to: Delivery | None = None) -> tuple[list[tts.Request], list[Any], Heard]:
    engine, heard = scripted.synthesiser(), Heard()
    events = await read(voiced(engine, to or delivery(), full(*sentences), Stopwatch(), heard))
    assert engine.open == 0
    return list(engine.requests), events, heard


async def test_what_nobody_would_say_is_not_spoken() -> None:
    requests, events, _ = await spoken("**Hello** there. ", "***\n", " \n", "🙂\n", "Bye.")
    assert [request.text for request in requests] == ["Hello there.", "Bye."]
    assert events[0] == Started()
    assert len(events) > 1
    assert all(isinstance(event, tts.AudioChunk) for event in events[1:]), "the engine starts once for the turn"


async def test_nothing_to_say_asks_no_synthesiser() -> None:
    requests, events, _ = await spoken("***", "\n")
    assert (requests, events) == ([], [])


async def test_every_utterance_has_the_voice_of_the_turn() -> None:
    template = tts.Request(text="", voice="nova", speed=1.5, language="de", instructions="whisper")
    requests, _, _ = await spoken("Eins. ", "Zwei.", to=delivery(template))
    for request, text in zip(requests, ("Eins.", "Zwei."), strict=True):
        assert (request.text, request.voice, request.speed) == (text, "nova", 1.5)
        assert (request.language, request.instructions) == ("de", "whisper")
