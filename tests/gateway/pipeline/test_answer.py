"""An answer is spoken while it is written; whatever fails ends everything, and thoughts stay unspoken."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm, tts
from adapters.contract.engine import Started
from adapters.contract.errors import Unavailable, UpstreamError
from gateway.pipeline.answer import EVENTS_AHEAD, LONGEST_SLICE, AnswerFinished, Speech, TextFinished, answer
from gateway.pipeline.deadline import Deadline
from gateway.pipeline.playhead import Playhead
from gateway.pipeline.speak import Delivery
from gateway.pipeline.utterance_scheduler import MOST_PENDING, Pacing
from gateway.telemetry.timings import Stopwatch
from gateway.text.normalization.normalizer import ReadingOptions
from tests.support.server import scripted_engines, until
from tests.support.streams import read
from tests.support.virtual_time import in_virtual_time

REQUEST = llm.Request(model="m", messages=())
PATIENT = Pacing(batch_sentences=1, first_utterance_seconds=3600)
EAGER = Pacing(batch_sentences=1, first_utterance_seconds=0)
USAGE = llm.Usage(input_tokens=3, output_tokens=4)
DELIVERY = Delivery(
    voice="hum", speed=1.0, instructions=None, voice_language=None, text_language=None, reading=ReadingOptions()
)


async def answered(
    engines: Any,
    pacing: Pacing = PATIENT,
    playhead: Playhead | None = None,
    *,
    turn_seconds: float = 60,
    watch: Stopwatch | None = None,
) -> AsyncGenerator[Any, None]:
    speech = Speech(engine=engines.tts, delivery=DELIVERY, pacing=pacing, playhead=playhead or Playhead())
    deadline = Deadline.of(turn_seconds, 0.0)
    async with aclosing(answer(engines.llm.stream(REQUEST), speech, deadline, watch or Stopwatch())) as events:
        async for event in events:
            yield event


def writing(*events: llm.Event, reason: llm.FinishReason = "stop") -> Any:
    """Engines whose model gives these events and finishes."""

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for event in events:
            yield event
        yield llm.Finished(reason=reason, usage=USAGE)

    return scripted_engines(llm=scripted.language_model(script))


def said(engines: Any) -> list[str]:
    return [request.text for request in engines.tts.requests]


def text(events: list[Any]) -> str:
    return "".join(event.text for event in events if isinstance(event, llm.TextDelta))


async def test_the_text_is_the_models_own_to_the_letter() -> None:
    pieces = ("  **Hel", "lo**, \n\n", "you. ", "`x = 1` ", "Done.\n")
    engines = writing(*(llm.TextDelta(text=piece) for piece in pieces))
    events = await read(answered(engines))
    assert text(events) == "".join(pieces)
    (finished_text,) = [event for event in events if isinstance(event, TextFinished)]
    *_, last = events
    assert finished_text.text == last.text == "".join(pieces)
    assert "*" not in "".join(said(engines))


async def test_started_is_first_and_the_end_is_last_and_tells_all() -> None:
    engines = writing(llm.TextDelta(text="Hello."), reason="length")
    watch = Stopwatch()
    first, *_, last = await read(answered(engines, watch=watch))
    assert isinstance(first, Started)
    assert isinstance(last, AnswerFinished)
    assert (last.reason, last.usage) == ("length", USAGE)
    times = watch.timings()
    assert times.llm_first is not None
    assert times.tts_first is not None
    assert times.first_audio is not None
    assert 0 <= times.llm_first <= times.first_audio <= times.total


async def test_the_first_clause_goes_alone_and_then_sentences() -> None:
    engines = writing(llm.TextDelta(text="Once upon a time, there was a king. He was old. He had a son."))
    await read(answered(engines))
    assert said(engines) == ["Once upon a time,", "there was a king.", "He was old.", "He had a son."]


async def test_sentences_are_gathered_while_there_is_enough_to_hear() -> None:
    """The hum is 0.5 s a character: after the first sentence there is far more to hear than it takes to write."""
    engines = writing(*(llm.TextDelta(text=f"Sentence number {number}. ") for number in range(7)))
    engines.tts.script = scripted.synthesiser(scripted.ToneVoice(seconds_per_character=0.5)).script
    await read(answered(engines, Pacing(batch_sentences=3, first_utterance_seconds=3600)))
    assert said(engines)[0] == "Sentence number 0."
    assert said(engines)[1:] == [
        "Sentence number 1. Sentence number 2. Sentence number 3.",
        "Sentence number 4. Sentence number 5. Sentence number 6.",
    ]


async def gated(before: str, gate: asyncio.Event, after: str, thoughts: str = "") -> AsyncGenerator[llm.Event, None]:
    if thoughts:
        yield llm.ReasoningDelta(text=thoughts)
    yield llm.TextDelta(text=before)
    await gate.wait()
    yield llm.TextDelta(text=after)
    yield llm.Finished(reason="stop", usage=USAGE)


@pytest.mark.parametrize(
    ("before", "first"), [("one two thr", "one two"), ("thr", "three"), ("a whole one. ", "a whole one.")]
)
async def test_at_the_deadline_the_words_so_far_are_spoken(before: str, first: str) -> None:
    gate = asyncio.Event()
    engines: Any = scripted_engines(llm=scripted.language_model(lambda _: gated(before, gate, "ee four. End.")))
    async with aclosing(answered(engines, Pacing(batch_sentences=1, first_utterance_seconds=0.01))) as events:
        if first == "three":  # not a whole word yet: it is spoken as soon as it is
            gate.set()
        async for event in events:
            if isinstance(event, tts.AudioChunk):
                break
        assert said(engines)[0].startswith(first)
        gate.set()
        await read(events)
    if before == "one two thr":
        assert said(engines) == ["one two", "three four.", "End."], "the word was cut or the text was lost"


async def test_thoughts_are_never_spoken_and_are_no_part_of_the_text() -> None:
    engines = writing(
        llm.ReasoningDelta(text="The user wants tea. "), llm.TextDelta(text="Tea!"), llm.ReasoningDelta(text="Good. ")
    )
    events = await read(answered(engines))
    assert said(engines) == ["Tea!"]
    assert events[-1].text == "Tea!"
    assert sum(isinstance(event, llm.ReasoningDelta) for event in events) == 2


async def test_a_call_of_a_tool_is_passed_on_and_nothing_is_spoken() -> None:
    call = llm.ToolCallFinished(call_id="c", name="clock", arguments="{}")
    engines = writing(
        llm.ToolCallStarted(call_id="c", name="clock"),
        llm.ToolCallDelta(call_id="c", arguments="{}"),
        call,
        reason="tool_calls",
    )
    events = await read(answered(engines))
    assert call in events
    assert not any(isinstance(event, TextFinished | tts.AudioChunk) for event in events)
    assert (events[-1].reason, events[-1].text) == ("tool_calls", "")
    assert engines.tts.opened == 0


async def test_the_message_holds_what_is_to_be_remembered() -> None:
    kept = llm.Opaque(route="r", data={"signature": "s"})

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.ReasoningDelta(text="A clock? ")
        yield llm.TextDelta(text="One ")
        yield llm.TextDelta(text="moment.")
        for call_id, arguments in (("a", "{}"), ("b", '{"zone":')):
            yield llm.ToolCallStarted(call_id=call_id, name="clock")
            yield llm.ToolCallDelta(call_id=call_id, arguments=arguments)
            invalid = None if call_id == "a" else "Not JSON."
            yield llm.ToolCallFinished(call_id=call_id, name="clock", arguments=arguments, invalid=invalid)
        yield llm.Finished(reason="tool_calls", usage=USAGE, extra={"opaque": (kept,)})

    events = await read(answered(scripted_engines(llm=scripted.language_model(script))))
    assert events[-1].message == llm.Message(
        role="assistant",
        parts=(
            llm.Text(text="One moment."),
            llm.ToolCall(call_id="a", name="clock", arguments="{}"),
            llm.ToolCall(call_id="b", name="clock", arguments='{"zone":'),
            kept,
        ),
    )


async def test_an_answer_of_nothing_leaves_nothing_to_remember() -> None:
    events = await read(answered(writing()))
    assert events[-1].message == llm.Message(role="assistant", parts=())


@in_virtual_time
async def test_what_was_sent_and_had_time_to_be_heard_is_noted() -> None:
    """The hum is made at once, 0.02 s a character; the listener takes a chunk of 40 ms and leaves."""
    playhead = Playhead()
    engines = writing(llm.TextDelta(text="One two three four five. Six seven."))
    chunks = 0
    async with aclosing(answered(engines, playhead=playhead)) as events:
        async for event in events:
            if not isinstance(event, tts.AudioChunk):
                continue
            chunks += 1
            if chunks == 8:  # seven were taken in whole, 0.28 s of the 0.48 s of the first sentence
                break
            await asyncio.sleep(0.04)
    assert playhead.text() == "One two"
    await asyncio.sleep(60)
    assert playhead.text() == "One two three", "what was not sent is not heard later"


async def test_the_model_waits_while_too_much_is_unspoken() -> None:
    written = 0

    async def endless(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        nonlocal written
        while True:
            written += 1
            yield llm.TextDelta(text="A sentence. ")

    async def silent(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        await asyncio.Event().wait()
        yield tts.AudioChunk(pcm=b"")

    engines: Any = scripted_engines(llm=scripted.language_model(endless))
    engines.tts.script = silent
    async with aclosing(answered(engines)) as events:
        for _ in range(MOST_PENDING):
            await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        for _ in range(200):
            await asyncio.sleep(0)
        assert MOST_PENDING <= written <= MOST_PENDING + EVENTS_AHEAD + 5
        waiting.cancel()
        await asyncio.wait([waiting])
    assert (engines.llm.open, engines.tts.open) == (0, 0)


async def test_a_model_that_ends_without_saying_so_is_an_error_and_no_hang() -> None:
    async def breaking_off(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="And then")

    engines: Any = scripted_engines(llm=scripted.language_model(breaking_off))
    with pytest.raises(UpstreamError, match="ended before"):
        await read(answered(engines))
    assert (engines.llm.open, engines.tts.open) == (0, 0)


async def test_a_voice_that_fails_ends_the_model() -> None:
    async def endless(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        while True:
            await asyncio.sleep(0)
            yield llm.TextDelta(text="And on it goes. ")

    async def hoarse(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        raise Unavailable("No voice.")
        yield tts.AudioChunk(pcm=b"")

    engines: Any = scripted_engines(llm=scripted.language_model(endless))
    engines.tts.script = hoarse
    with pytest.raises(Unavailable, match="No voice"):
        await read(answered(engines))
    assert (engines.llm.open, engines.tts.open) == (0, 0)


async def test_a_model_that_fails_ends_the_voice() -> None:
    speaking = asyncio.Event()

    async def failing(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="Hello. ")
        await speaking.wait()
        raise UpstreamError("It fell over.")

    async def endless(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        while True:
            speaking.set()
            await asyncio.sleep(0)
            yield tts.AudioChunk(pcm=bytes(2))

    engines: Any = scripted_engines(llm=scripted.language_model(failing))
    engines.tts.script = endless
    with pytest.raises(UpstreamError, match="fell over"):
        await read(answered(engines, EAGER))
    assert (engines.llm.open, engines.tts.open) == (0, 0)


@pytest.mark.parametrize("after", ["text", "audio"])
async def test_leaving_in_the_middle_closes_both(after: str) -> None:
    gate = asyncio.Event()
    engines: Any = scripted_engines(llm=scripted.language_model(lambda _: gated("Hello. ", gate, "Bye.")))
    kind = llm.TextDelta if after == "text" else tts.AudioChunk
    async with aclosing(answered(engines, EAGER)) as events:
        async for event in events:
            if isinstance(event, kind):
                break
    assert (engines.llm.open, engines.tts.open) == (0, 0)


async def test_text_does_not_wait_for_a_slow_voice() -> None:
    release = asyncio.Event()

    async def slow(request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        await release.wait()
        yield tts.AudioChunk(pcm=bytes(2))
        yield tts.Finished(seconds=0.1, characters=len(request.text))

    engines = writing(*(llm.TextDelta(text=f"Sentence {number}. ") for number in range(20)))
    engines.tts.script = slow
    seen: list[Any] = []

    async def read() -> None:
        async with aclosing(answered(engines)) as events:
            async for event in events:
                seen.append(event)

    reading = asyncio.create_task(read())
    await until(lambda: any(isinstance(event, TextFinished) for event in seen))
    assert not any(isinstance(event, tts.AudioChunk) for event in seen)
    release.set()
    await reading
    assert isinstance(seen[-1], AnswerFinished)


async def test_an_answer_that_comes_in_one_piece_is_segmented_in_slices() -> None:
    text = "A sentence that is said. " * 200
    engines = writing(llm.TextDelta(text=text))
    deltas = [event.text for event in await read(answered(engines)) if isinstance(event, llm.TextDelta)]
    assert "".join(deltas) == text
    assert max(map(len, deltas)) <= LONGEST_SLICE
