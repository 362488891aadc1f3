"""The backlog between writing and speaking: batches, never dry, never endless."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm, tts
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from gateway.pipeline import stages
from gateway.pipeline.stages import LONGEST_BATCH, MOST_PENDING, Backlog, voiced, written
from gateway.telemetry import Stopwatch
from tests.gateway.pipeline.reading import read

REQUEST = llm.Request(model="m", messages=())


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("gateway.pipeline.stages.time", clock)
    return clock


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def given(backlog: Backlog) -> str | None:
    """What is to be spoken now; fails when the backlog waits."""
    async with asyncio.timeout(5):
        return await backlog.utterance()


async def test_the_first_sentence_goes_alone_and_at_once() -> None:
    backlog = Backlog(3)
    waiting = asyncio.create_task(backlog.utterance())
    await settle()
    for sentence in ("One. ", "Two. ", "Three. "):
        backlog.put(sentence)
    assert await asyncio.wait_for(waiting, 5) == "One. "


async def test_later_sentences_are_gathered() -> None:
    backlog = Backlog(3)
    backlog.sent(10.0)
    waiting = asyncio.create_task(backlog.utterance())
    for sentence in ("One. ", "Two. "):
        backlog.put(sentence)
        await settle()
        assert not waiting.done(), "spoken before the batch was full"
    backlog.put("Three. ")
    assert await asyncio.wait_for(waiting, 5) == "One. Two. Three. "


async def test_a_batch_takes_no_more_than_its_size() -> None:
    backlog = Backlog(2)
    backlog.sent(1.0)
    for number in range(5):
        backlog.put(f"{number} ")
    backlog.close()
    assert [await given(backlog) for _ in range(4)] == ["0 1 ", "2 3 ", "4 ", None]


async def test_a_batch_is_never_longer_than_engines_take() -> None:
    backlog = Backlog(100)
    backlog.sent(10.0)
    sentence = "x" * 99 + " "
    for _ in range(25):
        backlog.put(sentence)
    backlog.close()
    batches = [await given(backlog) for _ in range(4)]
    assert [len(batch or "") for batch in batches] == [LONGEST_BATCH, LONGEST_BATCH, 500, 0]


async def test_a_piece_that_is_longer_than_a_batch_goes_alone() -> None:
    backlog = Backlog(3)
    backlog.sent(10.0)
    long = "y" * (LONGEST_BATCH + 1)
    for sentence in ("short. ", long, "short. "):
        backlog.put(sentence)
    backlog.close()
    assert [await given(backlog) for _ in range(3)] == ["short. ", long, "short. "]


async def test_speech_that_ends_without_an_end_is_an_error() -> None:
    async def broken(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.AudioChunk(pcm=b"\0\0")

    engine = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("v",), default_voice="v"), broken)
    backlog = Backlog(1)
    backlog.put("Hello.")
    backlog.close()
    with pytest.raises(UpstreamError, match="before the utterance was finished"):
        await read(voiced(engine, tts.Request(text=""), backlog, Stopwatch()))


async def test_the_rest_goes_when_nothing_more_will_come() -> None:
    backlog = Backlog(3)
    backlog.sent(10.0)
    waiting = asyncio.create_task(backlog.utterance())
    backlog.put("Last. ")
    await settle()
    assert not waiting.done()
    backlog.close()
    assert await asyncio.wait_for(waiting, 5) == "Last. "
    assert await given(backlog) is None


async def test_the_listener_never_runs_dry(clock: Clock) -> None:
    backlog = Backlog(3)
    backlog.sent(10.0)
    clock.now += 9.4
    backlog.put("One. ")
    waiting = asyncio.create_task(backlog.utterance())
    await settle()
    assert not waiting.done(), "there is still 0.6 s to hear"
    clock.now += 0.2
    backlog.put("Two. ")
    assert await asyncio.wait_for(waiting, 5) == "One. Two. "


async def test_the_batch_is_given_up_by_itself_when_the_audio_runs_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the clock on the wall
    backlog = Backlog(3)
    backlog.sent(stages.DRY_MARGIN_SECONDS + 0.05)
    backlog.put("One. ")
    assert await given(backlog) == "One. "


async def test_audio_that_was_heard_long_ago_counts_for_nothing(clock: Clock) -> None:
    backlog = Backlog(3)
    backlog.sent(1.0)
    clock.now += 60
    backlog.put("One. ")
    assert await given(backlog) == "One. "


async def counting(made: list[int], count: int) -> AsyncGenerator[llm.Event, None]:
    for number in range(count):
        made.append(number)
        yield llm.TextDelta(text="x")
    yield llm.Finished(reason="stop", usage=None)


async def test_the_model_waits_while_too_much_is_unspoken() -> None:
    made: list[int] = []
    model = scripted.language_model(lambda _request: counting(made, 500))
    backlog = Backlog(1)

    async def write() -> None:
        async for event in written(model, REQUEST, backlog):
            if isinstance(event, llm.TextDelta):
                backlog.put("A sentence. ")

    writing = asyncio.create_task(write())
    await settle()
    await settle()
    assert MOST_PENDING <= len(made) <= MOST_PENDING + 2
    assert await given(backlog) is not None
    await settle()
    assert MOST_PENDING + 1 <= len(made) <= MOST_PENDING + 3, "the model was not let on by one"
    while not writing.done():
        await given(backlog)
        await asyncio.sleep(0)
    await writing


async def test_a_stream_without_an_end_is_an_error_of_the_upstream() -> None:
    async def breaking_off(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="And then ")

    model = scripted.language_model(breaking_off)
    with pytest.raises(UpstreamError, match="ended before the answer was finished"):
        await read(written(model, REQUEST, Backlog(1)))
    assert model.open == 0


async def spoken(*sentences: str, template: tts.Request | None = None) -> tuple[list[tts.Request], list[Any]]:
    backlog = Backlog(1)
    for sentence in sentences:
        backlog.put(sentence)
    backlog.close()
    engine = scripted.synthesiser()
    events = await read(voiced(engine, template or tts.Request(text=""), backlog, Stopwatch()))
    assert engine.open == 0
    return list(engine.requests), events


async def test_what_nobody_would_say_is_not_spoken() -> None:
    requests, events = await spoken("**Hello** there. ", "```python\nprint(1)\n```", " \n", "🙂", "Bye.")
    assert [request.text for request in requests] == ["Hello there.", "Bye."]
    assert events[0] == Started()
    assert len(events) > 1
    assert all(isinstance(event, tts.AudioChunk) for event in events[1:]), "the engine starts once for the turn"


async def test_nothing_to_say_asks_no_synthesiser() -> None:
    assert await spoken("***", "\n") == ([], [])


async def test_every_utterance_has_the_voice_of_the_turn() -> None:
    template = tts.Request(text="", voice="nova", speed=1.5, language="de", instructions="whisper")
    requests, _ = await spoken("Eins. ", "Zwei.", template=template)
    for request, text in zip(requests, ("Eins.", "Zwei."), strict=True):
        assert (request.text, request.voice, request.speed) == (text, "nova", 1.5)
        assert (request.language, request.instructions) == ("de", "whisper")
