"""The driver: inputs one after the other, audio and transcripts of items, timers, and nothing left at the end."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextvars import Context, copy_context
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm, stt
from adapters.contract.request_context import RequestContext, current_request
from gateway.realtime.hearing.input_audio import Utterance
from gateway.realtime.session.session import Session
from tests.support.objects import alive
from tests.support.realtime_client import silence, spoken_question
from tests.support.realtime_session import Stage
from tests.support.server import scripted_engines, until


async def test_a_session_begins_and_leaves_nothing_behind() -> None:
    stage = Stage(scripted_engines())
    before = len(asyncio.all_tasks())
    async with stage.session():
        assert [event.__struct_config__.tag for event in stage.events] == ["session.created", "conversation.created"]
        await stage.speak(spoken_question())
    assert len(asyncio.all_tasks()) == before
    count = len(stage.events)
    await asyncio.sleep(0.05)
    assert len(stage.events) == count


async def test_all_that_a_session_does_is_of_its_own_request_whoever_tells_it_of_something() -> None:
    asked: list[str | None] = []

    async def answering(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        request = current_request.get()
        asked.append(None if request is None else request.request_id)
        yield llm.TextDelta(text="Yes.")
        yield llm.Finished(reason="stop", usage=None)

    stage = Stage(scripted_engines(llm=scripted.language_model(answering)))
    mine = copy_context()
    mine.run(current_request.set, RequestContext(request_id="req_mine", surface="realtime"))
    others = copy_context()
    others.run(current_request.set, RequestContext(request_id="req_other", surface="chat"))

    async def converse() -> None:
        async with stage.session(changes={"output_modalities": ["text"]}):
            others.run(stage.client, '{"type":"response.create"}')
            await stage.until("response.done")
            stage.events.clear()
            Context().run(stage.client, '{"type":"response.create"}')
            await stage.until("response.done")

    await asyncio.create_task(converse(), context=mine)
    assert asked == ["req_mine", "req_mine"]


async def test_a_fault_of_ours_ends_the_session_and_quotes_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(scripted_engines())
    async with stage.session():

        def broken(*_: Any) -> Any:
            raise KeyError("words of the user")

        monkeypatch.setattr(Session, "handle", broken)
        stage.client('{"type":"response.create"}')
        assert stage.closed == (1011, "internal_error")
    assert "KeyError" in caplog.text
    assert "words of the user" not in caplog.text


async def test_a_recording_that_a_client_adds_is_recognised_and_can_be_retrieved() -> None:
    stage = Stage(scripted_engines())
    part = {"type": "input_audio", "audio": "AQIDBA=="}
    item = {"id": "mine", "type": "message", "role": "user", "content": [part]}
    async with stage.session(changes={"output_modalities": ["text"]}):
        stage.client(json.dumps({"type": "conversation.item.create", "item": item}))
        stage.client('{"type":"conversation.item.retrieve","item_id":"mine"}')
        retrieved = await stage.until("conversation.item.retrieved")
        assert retrieved.item.content[0].audio == b"\1\2\3\4"
        stage.client('{"type":"response.create"}')
        await stage.until("response.done")
    assert stage.engines.llm.requests[0].messages[-1].parts[0].text == "what did you say"


def measuring() -> scripted.Scripted[stt.Request, stt.Event, stt.Info]:
    """Writes down how many milliseconds it has heard."""

    async def script(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        size = sum([len(block) async for block in request.audio])
        yield stt.FinalTranscript(text=f"{size // 32}" if size else "")
        yield stt.Finished(language="en", seconds=size / 32_000)

    return scripted.Scripted(stt.Info(sample_rate=16_000), script)


SHOWN = {"transcription": {"model": "whisper-1"}}
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


@pytest.mark.parametrize("ahead", ["off", "stt"])
async def test_words_that_end_open_are_no_end_whether_or_not_there_is_work_ahead(ahead: str) -> None:
    stage = Stage(scripted_engines(stt=scripted.recogniser("My number is zero one, and")), "--realtime_ahead", ahead)
    async with stage.session(changes={"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}):
        await stage.speak(spoken_question() + silence(0.25))
        await until(lambda: (stage.engines.stt.opened, stage.engines.stt.open) == (1, 0))
        await stage.speak(silence(5))
        stopped = await stage.until("input_audio_buffer.speech_stopped")
        assert stopped.audio_end_ms > len(spoken_question()) / 48 + 3000
        assert stage.engines.stt.opened == 1, "the words up to the pause are those of the turn"


@pytest.mark.parametrize("ahead", ["off", "tts"])
async def test_all_is_recognised_of_a_turn_that_the_client_ends_though_the_ears_began_it(ahead: str) -> None:
    stage = Stage(scripted_engines(stt=measuring()), "--realtime_ahead", ahead)
    async with stage.session(changes={"audio": {"input": SHOWN}}):
        await stage.speak(spoken_question() + silence(0.25))
        await until(lambda: stage.engines.stt.opened == (ahead != "off"))
        update = {"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}}
        stage.client(json.dumps(update))
        await stage.speak(spoken_question() * 2)
        stage.client('{"type":"input_audio_buffer.commit"}')
        completed = await stage.until(TRANSCRIBED)
        said = len(spoken_question()) * 3 // 48 + 250
        assert int(completed.transcript) == pytest.approx(said, abs=200), "but for the silence before the voice"


async def test_all_is_recognised_that_comes_in_another_format() -> None:
    stage = Stage(scripted_engines(stt=measuring()))
    async with stage.session(changes={"audio": {"input": {"turn_detection": None, **SHOWN}}}):
        await stage.speak(spoken_question()[:960])
        update = {"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}}
        stage.client(json.dumps(update))
        await stage.speak(bytes([255]) * 16_000)
        stage.client('{"type":"input_audio_buffer.commit"}')
        assert int((await stage.until(TRANSCRIBED)).transcript) == pytest.approx(2000, abs=20)


async def test_a_recogniser_that_fails_is_told_of() -> None:
    async def failing(_request: stt.Request) -> Any:
        raise RuntimeError("secret")
        yield

    recogniser = scripted.Scripted(stt.Info(sample_rate=16_000), failing)
    stage = Stage(scripted_engines(stt=recogniser))
    async with stage.session(changes={"audio": {"input": SHOWN}}):
        await stage.speak(spoken_question() + silence(0.8))
        failed = await stage.until("conversation.item.input_audio_transcription.failed")
        assert failed.error.message == "RuntimeError"


async def test_a_silent_user_is_spoken_to_again_after_the_idle_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(scripted_engines())
    detection = {"type": "server_vad", "idle_timeout_ms": 5000}
    loop = asyncio.get_running_loop()
    later = loop.call_later
    monkeypatch.setattr(loop, "call_later", lambda delay, *rest: later(min(delay, 0.2), *rest))
    async with stage.session(changes={"audio": {"input": {"turn_detection": detection}}}):
        await stage.speak(spoken_question() + silence(0.8))
        await stage.until("response.done")
        await stage.until("input_audio_buffer.timeout_triggered")
        await stage.until("response.done", 2)


async def test_the_conversation_is_stored_as_it_was_at_the_end() -> None:
    stage = Stage(scripted_engines())
    async with stage.session(conversation="conv_1", changes={"output_modalities": ["text"]}):
        stage.client('{"type":"response.create"}')
        await stage.until("response.done")
        message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Bye."}]}
        stage.client(json.dumps({"type": "conversation.item.create", "item": message}))
    _, kept = await stage.history.archive.newest("conv_1")
    assert kept is not None
    assert "Bye." in str(kept.turns[-1])


async def test_audio_of_which_nobody_asks_for_the_words_is_not_held_beside_the_recordings() -> None:
    stage = Stage(scripted_engines(stt=None))
    part = {"type": "input_audio", "audio": "AQIDBA=="}
    item = {"type": "message", "role": "user", "content": [part]}
    async with stage.session():
        await stage.speak(spoken_question() + silence(0.8))
        await stage.until("response.done")
        stage.client(json.dumps({"type": "conversation.item.create", "item": item}))
        assert alive(Utterance) == 0
