"""Answers as turns: prepared ahead, adopted or thrown away, and charged to whom they were made for."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm, stt, tts
from adapters.contract.errors import UpstreamError
from gateway.access.caller import Caller
from gateway.access.limits import Limits
from gateway.realtime import recordings
from gateway.realtime.hearing.audio_format import AudioFormat
from gateway.realtime.protocol.client_events import InputAudioBufferAppend
from gateway.realtime.session.inputs import TurnEnded
from gateway.turns.conversation_turn import Turns
from tests.support.realtime_client import silence, spoken_question
from tests.support.realtime_session import Stage
from tests.support.scripted_guard import ScriptedGuard, guards_of
from tests.support.server import scripted_engines, until

PAUSE = silence(0.15)
"""Longer than work ahead waits for, shorter than the end of a turn."""


async def test_an_answer_is_prepared_in_a_pause_and_told_when_the_turn_has_ended() -> None:
    stage = Stage(scripted_engines(), "--realtime_ahead", "tts")
    async with stage.session():
        await stage.speak(spoken_question() + PAUSE)
        await until(lambda: stage.engines.tts.opened == 1)
        await asyncio.sleep(0.1)
        assert stage.told("response.created") == [], "nothing of it can be seen"
        assert stage.engines.tts.opened == 1, "nor is more than the first utterance spoken"
        await stage.speak(silence(0.6))
        done = await stage.until("response.done")
        assert done.response.status == "completed"
        assert stage.engines.llm.opened == 1, "the prepared answer is the answer"
        assert done.response.output[0].content[0].transcript == "Hello there. How are you?"
        assert sum(len(event.delta) for event in stage.told("response.output_audio.delta")) > 24_000
    answers = [outcome for outcome in stage.outcomes if outcome.response_id.startswith("resp")]
    assert [(outcome.response_id, outcome.speculative) for outcome in answers] == [(done.response.id, False)]


async def test_an_attempt_whose_words_come_after_the_end_of_the_turn_is_spoken_to_its_end() -> None:
    """It is adopted at the moment at which its words are told."""

    async def script(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        async for _ in request.audio:
            pass
        await asyncio.sleep(0.5)
        yield stt.FinalTranscript(text="what is the capital of france")
        yield stt.Finished(language="en", seconds=2.0)

    slow = scripted.Scripted(stt.Info(sample_rate=16_000, live=True), script)
    stage = Stage(scripted_engines(stt=slow), "--realtime_ahead", "tts")
    async with stage.session():
        await stage.speak(spoken_question() + PAUSE + silence(0.6))
        await until(lambda: bool(stage.told("input_audio_buffer.speech_stopped")))
        assert stage.engines.llm.opened == 0, "the words are not known yet"
        done = await stage.until("response.done")
        assert (slow.opened, stage.engines.llm.opened) == (1, 1), "what was begun in the pause is the answer"
        assert done.response.output[0].content[0].transcript == "Hello there. How are you?"


async def test_what_was_prepared_is_thrown_away_when_the_user_goes_on() -> None:
    async def thinking(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="Well. ")
        await asyncio.Event().wait()

    stage = Stage(scripted_engines(llm=scripted.language_model(thinking)), "--realtime_ahead", "tts")
    async with stage.session():
        await stage.speak(spoken_question() + PAUSE)
        await until(lambda: stage.engines.llm.open == 1)
        await stage.speak(spoken_question())
        await until(lambda: stage.engines.llm.open == 0)
        assert stage.told("response.created") == []
        await until(lambda: any(outcome.speculative for outcome in stage.outcomes))
    (lost,) = [outcome for outcome in stage.outcomes if outcome.speculative]
    assert lost.estimate is not None
    assert lost.reason == "left"


@pytest.mark.parametrize("modality", ["text", "audio"])
async def test_an_answer_that_was_whole_before_the_turn_had_ended_is_one_like_any_other(modality: str) -> None:
    model = scripted.language_model(scripted.answering("Yes."))
    stage = Stage(scripted_engines(llm=model), "--realtime_ahead", "tts")
    async with stage.session(changes={"output_modalities": [modality]}):
        await stage.speak(spoken_question() + PAUSE)
        await until(lambda: (model.opened, model.open, stage.engines.tts.open) == (1, 0, 0))
        await stage.speak(silence(0.6))
        done = await stage.until("response.done")
    answers = [outcome for outcome in stage.outcomes if outcome.response_id.startswith("resp")]
    assert [(outcome.response_id, outcome.speculative) for outcome in answers] == [(done.response.id, False)]


@pytest.mark.parametrize("of_everybody", [False, True])
async def test_an_answer_is_a_request_and_what_is_thrown_away_is_none(of_everybody: bool) -> None:
    stage, limits = Stage(scripted_engines(), "--realtime_ahead", "tts"), Limits(requests_per_minute=2)
    if of_everybody:
        stage.meter.limits = limits
    async with stage.session(caller=Caller(name="phone", limits=Limits() if of_everybody else limits)):
        for number in (1, 2, 3):
            await stage.speak(spoken_question() + PAUSE)
            await until(lambda at_least=number: stage.engines.llm.opened >= at_least)
        await stage.speak(silence(0.6))
        done = await stage.until("response.done")
        assert done.response.status == "completed"
        assert [limit.remaining for limit in stage.told("rate_limits.updated")[0].rate_limits] == [1]
        stage.client('{"type":"response.create"}')
        await stage.until("response.done", 2)
        stage.client('{"type":"response.create"}')
        refused = await stage.until("response.done", 3)
        assert refused.response.status_details.error.message == "LimitReached"


async def test_what_was_prepared_is_thrown_away_when_the_caller_may_have_no_more_answers() -> None:
    stage = Stage(scripted_engines(), "--realtime_ahead", "tts")
    caller = Caller(name="phone", limits=Limits(requests_per_minute=1, turns_at_once=2))
    async with stage.session(caller=caller):
        await stage.speak(spoken_question() + PAUSE)
        await until(lambda: stage.engines.tts.opened == 1)
        stage.meter.leave("phone", "turns", await stage.meter.take(caller, "turns"))
        await stage.speak(silence(0.6))
        done = await stage.until("response.done")
        assert done.response.status_details.error.message == "LimitReached"
        assert done.response.output == []
        await until(lambda: any(outcome.speculative for outcome in stage.outcomes))
        assert stage.engines.llm.opened == 1
    assert stage.meter.under_way()["turns", "phone"] == 0


async def test_an_attempt_that_fails_as_the_turn_ends_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Turns.begin
    begun = 0

    def failing_first(turns: Turns, *arguments: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun == 1:
            ended = TurnEnded(at_ms=round(len(question) / 48))
            asyncio.get_running_loop().call_soon(stage.driver.tell, ended)
            raise UpstreamError("The server is gone.")
        return begin(turns, *arguments)

    monkeypatch.setattr(Turns, "begin", failing_first)
    stage, question = Stage(scripted_engines(stt=None), "--realtime_ahead", "tts"), spoken_question() + PAUSE
    async with stage.session():
        await stage.speak(question)
        done = await stage.until("response.done")
        assert (done.response.status, begun) == ("completed", 2)


async def test_without_work_ahead_the_model_is_asked_when_the_turn_has_ended() -> None:
    stage = Stage(scripted_engines(), "--realtime_ahead", "off")
    async with stage.session():
        await stage.speak(spoken_question() + PAUSE)
        await asyncio.sleep(0.1)
        assert stage.engines.llm.opened == 0
        await stage.speak(silence(0.6))
        await stage.until("response.done")


async def test_a_model_that_hears_gets_the_recording() -> None:
    for reach in ("off", "tts"):
        stage = Stage(scripted_engines(stt=None), "--realtime_ahead", reach)
        async with stage.session():
            await stage.speak(spoken_question() + PAUSE)
            await asyncio.sleep(0.05)
            await stage.speak(silence(0.6))
            await stage.until("response.done")
        (request,) = stage.engines.llm.requests
        (recording,) = [part for part in request.messages[-1].parts if isinstance(part, llm.Audio)]
        assert len(recording.data) > 16_000 * 2


async def test_recordings_for_a_model_that_hears_do_not_hold_up_other_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[bool] = []
    convert = AudioFormat.pcm

    def watched(self: AudioFormat, data: bytes, rate: int) -> bytes:
        threads.append(threading.current_thread() is threading.main_thread())
        return convert(self, data, rate)

    stage = Stage(scripted_engines(stt=None))
    by_hand = {"output_modalities": ["text"], "audio": {"input": {"turn_detection": None}}}
    async with stage.session(changes=by_hand):
        await stage.speak(silence(2))
        stage.client('{"type":"input_audio_buffer.commit"}')
        monkeypatch.setattr(AudioFormat, "pcm", watched)
        stage.client('{"type":"response.create"}')
        await stage.until("response.done")
    assert threads == [False]


async def test_a_model_that_hears_gets_the_longest_turn_that_may_be_committed() -> None:
    stage = Stage(scripted_engines(stt=None))
    by_hand = {"output_modalities": ["text"], "audio": {"input": {"turn_detection": None}}}
    async with stage.session(changes=by_hand):
        for _ in range(60):
            stage.driver.receive(InputAudioBufferAppend(audio=silence(10)))
        stage.client('{"type":"input_audio_buffer.commit"}')
        stage.client('{"type":"response.create"}')
        await stage.until("response.done")
    (recording,) = stage.engines.llm.requests[0].messages[-1].parts
    assert len(recording.data) == 44 + 600 * 32_000


async def test_a_model_that_hears_is_told_of_a_recording_that_is_not_kept_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recordings, "MOST_SAID_BYTES", 150_000)
    stage = Stage(scripted_engines(stt=None))
    by_hand = {"output_modalities": ["text"], "audio": {"input": {"turn_detection": None}}}
    async with stage.session(changes=by_hand):
        for number in range(2):
            await stage.speak(silence(2))
            stage.client('{"type":"input_audio_buffer.commit"}')
            stage.client('{"type":"response.create"}')
            await stage.until("response.done", number + 1)
    first, _answer, second = stage.engines.llm.requests[1].messages[-3:]
    assert first.parts == (recordings.NOT_KEPT,)
    assert isinstance(second.parts[0], llm.Audio)


async def test_audio_is_sent_as_it_is_heard_and_a_cancel_is_short() -> None:
    async def long(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for number in range(100):
            yield llm.TextDelta(text=f"This is sentence number {number}. ")
        yield llm.Finished(reason="stop", usage=None)

    stage = Stage(scripted_engines(llm=scripted.language_model(long)), "--realtime_lead_seconds", "1")
    async with stage.session():
        stage.client('{"type":"response.create"}')
        await stage.until("response.output_audio.delta")
        await asyncio.sleep(0.5)
        stage.client('{"type":"response.cancel"}')
        await stage.until("response.done")
        seconds = sum(len(event.delta) for event in stage.told("response.output_audio.delta")) / 48_000
        assert 0.5 < seconds < 2.2
        count = len(stage.events)
        await asyncio.sleep(0.1)
        assert len(stage.events) == count, "nothing comes after its end"


async def test_an_answer_beside_the_conversation_that_is_stopped_leaves_the_pace_of_the_other() -> None:
    async def long(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for number in range(100):
            yield llm.TextDelta(text=f"This is sentence number {number}. ")
        yield llm.Finished(reason="stop", usage=None)

    def seconds(response_id: str) -> float:
        deltas = [event for event in stage.told("response.output_audio.delta") if event.response_id == response_id]
        return sum(len(event.delta) for event in deltas) / 48_000

    stage = Stage(scripted_engines(llm=scripted.language_model(long)), "--realtime_lead_seconds", "20")
    async with stage.session():
        stage.client('{"type":"response.create"}')
        spoken = (await stage.until("response.created")).response.id
        await until(lambda: seconds(spoken) > 19)
        stage.client('{"type":"response.create","response":{"conversation":"none"}}')
        beside = (await stage.until("response.created", 2)).response.id
        await until(lambda: seconds(beside) > 19)
        stage.client(json.dumps({"type": "response.cancel", "response_id": beside}))
        before = seconds(spoken)
        await until(lambda: seconds(spoken) > before)
        assert seconds(spoken) < before + 10, "the next piece, and not all that may be ahead"


async def test_the_next_answer_has_the_place_of_the_one_that_was_stopped() -> None:
    async def slow_to_stop(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        try:
            yield llm.TextDelta(text="Well. ")
            await asyncio.sleep(0.2)
            yield llm.Finished(reason="stop", usage=None)
        finally:
            await asyncio.sleep(0.1)

    stage = Stage(scripted_engines(llm=scripted.language_model(slow_to_stop)))
    caller = Caller(name="phone", limits=Limits(turns_at_once=1))
    async with stage.session(caller=caller, changes={"output_modalities": ["text"]}):
        stage.client('{"type":"response.create"}')
        await stage.until("response.output_text.delta")
        stage.client('{"type":"response.cancel"}')
        stage.client('{"type":"response.create"}')
        done = await stage.until("response.done", 2)
        assert done.response.status == "completed"


async def test_an_answer_that_is_stopped_before_it_began_leaves_nothing() -> None:
    stage = Stage(scripted_engines())
    async with stage.session():
        stage.client('{"type":"response.create"}')
        stage.client('{"type":"response.cancel"}')
        done = await stage.until("response.done")
        assert done.response.status == "cancelled"
        await asyncio.sleep(0.05)
    assert stage.engines.llm.opened == 0


async def test_a_failure_is_told_and_charged() -> None:
    async def failing(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="Hm")
        raise RuntimeError("what the user said")

    stage = Stage(scripted_engines(llm=scripted.language_model(failing)))
    async with stage.session():
        stage.client('{"type":"response.create"}')
        done: Any = await stage.until("response.done")
        assert done.response.status == "failed"
        assert "user" not in str(done)
    assert [outcome.error for outcome in stage.outcomes] == ["internal"]


@pytest.mark.parametrize("reach", ["off", "tts"])
@pytest.mark.parametrize("action", ["refuse", "stop", "replace"])
async def test_what_was_flagged_of_what_the_user_said_is_not_stored(action: str, reach: str) -> None:
    stage = Stage(scripted_engines(), "--realtime_ahead", reach)
    guards = guards_of(ScriptedGuard("you"), on=("transcript",), action=action, sentence="No.")
    stage.gateway.routes[0].guards = guards
    async with stage.session(conversation="conv_1"):
        await stage.speak(spoken_question() + PAUSE)
        await asyncio.sleep(0.1)
        await stage.speak(silence(0.6))
        await stage.until("response.done")
    _, stored = await stage.history.archive.newest("conv_1")
    assert stored is not None
    first = [message.parts for turn in stored.turns for message in turn.messages][:1]
    kept = {"refuse": [], "stop": ["[removed]"], "replace": ["No."]}[action]
    assert first == [(llm.Text(text=text),) for text in kept], "a turn that was refused waits for an answer"


def polyglot(*languages: str | None, live: bool = False) -> Any:
    """Hears a turn in each of ``languages``; a live one knows the language as soon as the words."""
    left = list(languages)

    async def script(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        async for block in request.audio:
            if live and not block:
                yield stt.PartialTranscript(stable="", unstable="12 km", language=left[0])
        yield stt.FinalTranscript(text="12 km")
        yield stt.Finished(language=left.pop(0), seconds=1.0)

    return scripted.Scripted(stt.Info(sample_rate=16_000, live=live), script)


def two_voices() -> Any:
    hum = scripted.synthesiser()
    hum.info = tts.Info(sample_rate=24_000, voices=("hum", "drone"), default_voice="hum")
    return hum


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("reach", ["off", "tts"])
async def test_the_language_that_is_heard_is_that_of_the_answer_and_chooses_its_voice(reach: str, live: bool) -> None:
    flags = ("--realtime_ahead", reach, "--enable_lang_prompt", "true", "--voices_by_language", '{"de": "drone"}')
    stage = Stage(scripted_engines(stt=polyglot("de", "en", None, live=live), tts=two_voices()), *flags)
    asked, spoken = [], []
    async with stage.session():
        for number in (1, 2, 3):
            await stage.speak(spoken_question() + PAUSE)
            await until(lambda at_least=number: reach == "off" or stage.engines.llm.opened >= at_least)
            await stage.speak(silence(0.6))
            await stage.until("response.done", number)
            asked.append(stage.engines.llm.requests[-1].messages[-1].parts[-1].text.split()[-1])
            spoken.append({(request.voice, request.language) for request in stage.engines.tts.requests})
            stage.engines.tts.requests.clear()
    assert stage.engines.llm.opened == 3, "what was prepared is the answer"
    assert asked == ["German.", "English.", "English."]
    assert spoken == [{("drone", "de")}, {("hum", "en")}, {("hum", "en")}]


@pytest.mark.parametrize(("output", "voice"), [({}, "drone"), ({"voice": "hum"}, "hum")])
async def test_a_voice_that_the_client_names_speaks_every_language(output: dict[str, str], voice: str) -> None:
    flags = ("--voices_by_language", '{"de": "drone"}')
    stage = Stage(scripted_engines(stt=polyglot("de"), tts=two_voices()), *flags)
    async with stage.session(changes={"audio": {"output": output}}):
        await stage.speak(spoken_question() + silence(0.8))
        await stage.until("response.done")
    assert {(request.voice, request.language) for request in stage.engines.tts.requests} == {(voice, None)}
