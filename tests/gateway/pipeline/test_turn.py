"""One voice turn: hear, answer, speak; in this order, with the question where the model expects it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from adapters import scripted
from adapters.contract import llm, stt, tts
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from adapters.vad.energy import Energy
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.ears import NoSpeech
from gateway.pipeline.heard import Heard
from gateway.pipeline.stages import Pacing
from gateway.pipeline.turn import TranscriptDelta, TranscriptFinished, Turn, take_turn, with_question
from gateway.telemetry import Stopwatch
from gateway.text.normalization.normalizer import ReadingOptions
from tests.gateway.pipeline.reading import read
from tests.gateway.serving import scripted_engines

HISTORY = (llm.Message(role="system", parts=(llm.Text(text="Be brief."),)),)
PICTURE = llm.Image(url="https://example.com/cat.png")


class Recording:
    """Half a second of sound, and whether it was closed."""

    def __init__(self, sample: bytes = b"\x00\x20\x00\xe0") -> None:
        self.sample = sample
        self.closed = False

    async def stream(self) -> AsyncGenerator[bytes, None]:
        try:
            for _ in range(2):
                yield self.sample * 2_000
        finally:
            self.closed = True


def turn(recording: Recording | None, **changes: Any) -> Turn:
    plain = Turn(
        audio=recording.stream() if recording else None,
        language=None,
        images=(),
        user_role="user",
        ask_for_language=False,
        writing=llm.Request(model="m", messages=HISTORY),
        speaking=tts.Request(text="", voice="hum"),
        pacing=Pacing(batch_sentences=1, first_utterance_seconds=1, turn_seconds=60),
    )
    return msgspec.structs.replace(plain, **changes)


def recogniser(*events: stt.Event) -> Any:
    async def script(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        async for _ in request.audio:
            pass
        for event in events:
            yield event

    return scripted.Scripted(stt.Info(sample_rate=16_000), script)


def asked(engines: Any) -> tuple[llm.Message, ...]:
    (request,) = engines.llm.requests
    messages: tuple[llm.Message, ...] = request.messages
    return messages


async def taken(engines: Any, a_turn: Turn) -> list[Any]:
    events = await read(take_turn(engines, a_turn, Stopwatch()))
    assert (engines.llm.open, engines.tts.open) == (0, 0)
    return events


async def test_it_is_heard_then_written_then_spoken() -> None:
    engines, recording = scripted_engines(), Recording()
    events = await taken(engines, turn(recording))
    assert events[0] == TranscriptDelta(text="what did you say")
    assert events[1] == TranscriptFinished(text="what did you say", language="en")
    assert isinstance(events[2], Started)
    assert isinstance(events[-1], AnswerFinished)
    assert recording.closed
    assert asked(engines) == (
        *HISTORY,
        llm.Message(role="user", parts=(llm.Text(text="what did you say"),)),
    )


async def test_deltas_are_what_is_stable_and_join_to_the_transcript() -> None:
    engines = scripted_engines(
        stt=recogniser(
            Started(),
            stt.PartialTranscript(stable="", unstable="hal"),
            stt.PartialTranscript(stable="hello", unstable="wor"),
            stt.PartialTranscript(stable="hello", unstable=" worl"),
            stt.FinalTranscript(text="hello world"),
            stt.Finished(language="en", seconds=1),
        )
    )
    events = await taken(engines, turn(Recording()))
    deltas = [event.text for event in events if isinstance(event, TranscriptDelta)]
    assert deltas == ["hello", " world"]
    assert TranscriptFinished(text="hello world", language="en") in events


async def test_without_a_recording_the_history_is_answered() -> None:
    engines: Any = scripted_engines()
    events = await taken(engines, turn(None))
    assert not any(isinstance(event, TranscriptDelta | TranscriptFinished) for event in events)
    assert asked(engines) == HISTORY
    assert engines.stt.opened == 0


async def test_pictures_go_with_the_question() -> None:
    engines = scripted_engines()
    await taken(engines, turn(Recording(), images=(PICTURE, PICTURE), user_role="human"))
    assert asked(engines)[-1] == llm.Message(role="human", parts=(llm.Text(text="what did you say"), PICTURE, PICTURE))


@pytest.mark.parametrize(("heard", "named"), [("de", "German"), ("zh", "Chinese"), (None, None)])
async def test_the_reply_is_asked_for_in_the_language_heard(heard: str | None, named: str | None) -> None:
    engines: Any = scripted_engines(
        stt=recogniser(stt.FinalTranscript(text="hallo"), stt.Finished(language=heard, seconds=1))
    )
    await taken(engines, turn(Recording(), ask_for_language=True))
    question = llm.Text(text="hallo")
    wish = (llm.Text(text=f"Please reply to my message in {named}."),) if named else ()
    assert asked(engines)[-1].parts == (question, *wish)
    assert {request.language for request in engines.tts.requests} == {heard}


async def test_without_the_wish_the_language_heard_changes_nothing() -> None:
    engines: Any = scripted_engines(
        stt=recogniser(stt.FinalTranscript(text="hallo"), stt.Finished(language="de", seconds=1))
    )
    await taken(engines, turn(Recording()))
    assert asked(engines)[-1].parts == (llm.Text(text="hallo"),)
    assert {request.language for request in engines.tts.requests} == {None}


@pytest.mark.parametrize("heard", [None, "fr"])
async def test_the_language_of_the_request_stands_in_for_one_that_was_not_heard(heard: str | None) -> None:
    engines: Any = scripted_engines(
        stt=recogniser(stt.FinalTranscript(text="hallo"), stt.Finished(language=heard, seconds=1))
    )
    await taken(engines, turn(Recording(), ask_for_language=True, language="de"))
    name = "German" if heard is None else "French"
    assert asked(engines)[-1].parts[-1] == llm.Text(text=f"Please reply to my message in {name}.")


async def test_a_model_that_listens_itself_is_told_the_language_of_the_request() -> None:
    engines: Any = scripted_engines(stt=None)
    await taken(engines, turn(Recording(), images=(PICTURE,), ask_for_language=True, language="de"))
    _, wish, picture = asked(engines)[-1].parts
    assert (wish, picture) == (llm.Text(text="Please reply to my message in German."), PICTURE)


async def test_words_are_read_as_the_turn_says() -> None:
    engines: Any = scripted_engines(llm=scripted.language_model(scripted.answering("Ask nginx.")))
    await taken(engines, turn(Recording(), reading=ReadingOptions(pronunciations={"nginx": "engine x"})))
    assert [request.text for request in engines.tts.requests] == ["Ask engine x."]


async def test_whoever_leaves_can_ask_what_was_heard() -> None:
    engines, heard = scripted_engines(), Heard()
    async with aclosing(take_turn(engines, turn(Recording()), Stopwatch(), heard)) as events:
        async for event in events:
            if isinstance(event, AnswerFinished):
                break
    assert heard.text() != "Hello there. How are you?", "there was no time to hear it all"


async def test_silence_never_reaches_the_recogniser_or_the_model() -> None:
    engines: Any = scripted_engines(vad=Energy(Energy.Options()))
    recording = Recording(sample=bytes(4))
    with pytest.raises(NoSpeech):
        await taken(engines, turn(recording))
    assert recording.closed
    assert (engines.stt.open, engines.llm.opened) == (0, 0)


async def test_a_recogniser_that_ends_without_saying_so_is_an_error() -> None:
    engines: Any = scripted_engines(stt=recogniser(stt.FinalTranscript(text="hello")))
    with pytest.raises(UpstreamError, match="before the transcript was finished"):
        await taken(engines, turn(Recording()))
    assert engines.llm.opened == 0, "the model was asked nothing"


async def test_a_model_that_listens_itself_gets_the_recording() -> None:
    engines: Any = scripted_engines(stt=None)
    recording = Recording()
    events = await taken(engines, turn(recording, images=(PICTURE,)))
    sound, picture = asked(engines)[-1].parts
    assert isinstance(sound, llm.Audio)
    assert picture == PICTURE
    assert not any(isinstance(event, TranscriptFinished) for event in events)
    assert recording.closed


async def test_leaving_while_it_is_heard_closes_recogniser_and_recording() -> None:
    async def endless(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        await anext(request.audio)
        yield stt.PartialTranscript(stable="hello")
        await asyncio.Event().wait()

    engines: Any = scripted_engines(stt=scripted.Scripted(stt.Info(sample_rate=16_000), endless))
    recording = Recording()
    async with aclosing(take_turn(engines, turn(recording), Stopwatch())) as events:
        assert await anext(events) == TranscriptDelta(text="hello")
    assert (engines.stt.open, engines.llm.opened, recording.closed) == (0, 0, True)


async def test_the_recogniser_is_free_again_before_the_model_is_asked() -> None:
    engines: Any = scripted_engines()
    open_then: list[int] = []

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        open_then.append(engines.stt.open)
        yield llm.Finished(reason="stop", usage=None)

    engines.llm.script = script
    await taken(engines, turn(Recording()))
    assert open_then == [0]


def test_a_turn_of_pictures_alone_is_a_question() -> None:
    request = with_question(turn(None, images=(PICTURE,)), None, None)
    assert request.messages == (*HISTORY, llm.Message(role="user", parts=(PICTURE,)))
