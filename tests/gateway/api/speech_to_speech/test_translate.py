"""A request becomes a turn field by field, and a turn's events become the wire's; nothing is invented or lost."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm, tts
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest
from gateway.api.speech_to_speech import schema
from gateway.api.speech_to_speech.schema import SpeechToSpeechRequest
from gateway.api.speech_to_speech.translate import event_of, turn_request
from gateway.conversation.history import ConversationRef
from gateway.pipeline.listen import RecordingFinished
from gateway.pipeline.speak import UtteranceFinished
from gateway.telemetry.outcome import TurnOutcome
from gateway.telemetry.timings import Timings
from gateway.turns.request import TurnRequest
from gateway.turns.result import ConversationJoined, ConversationKept, TurnEvent, TurnFinished

PICTURE = llm.Image(url="https://example.com/cat.png")
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "noon"}


async def silence(_sample_rate: int) -> bytes:
    return b""


def asked(*, recorded: bool = True, images: tuple[llm.Image, ...] = (), **fields: Any) -> TurnRequest:
    return turn_request(msgspec.convert(fields, SpeechToSpeechRequest), silence if recorded else None, images, {})


def test_a_bare_request_asks_for_nothing_but_an_answer() -> None:
    assert asked() == TurnRequest(audio=silence)
    assert asked(images=(PICTURE,)).images == (PICTURE,)


def test_every_field_arrives() -> None:
    request = asked(
        language="de",
        instructions="Rhyme.",
        voice={"id": "nova"},
        speed=0.25,
        speech_instructions="Whisper.",
        max_output_tokens=7,
        reasoning_effort="high",
        stream_format="sse",
    )
    assert request == TurnRequest(
        audio=silence,
        language="de",
        instructions="Rhyme.",
        voice="nova",
        speed=0.25,
        speech_instructions="Whisper.",
        max_output_tokens=7,
        reasoning_effort="high",
    )


def test_sampling_arrives_as_it_was_sent() -> None:
    sampling = asked(
        temperature=0.0, top_p=0.0, stop="END", seed=0, frequency_penalty=-2.0, presence_penalty=2.0
    ).sampling
    assert sampling == llm.Sampling(
        temperature=0.0, top_p=0.0, stop=("END",), seed=0, frequency_penalty=-2.0, presence_penalty=2.0
    )
    assert asked(stop=["a", "b"]).sampling.stop == ("a", "b")
    assert asked(stop=[]).sampling.stop == ()


def test_tools_and_their_choice_arrive() -> None:
    clock = {"type": "function", "name": "clock", "description": "Tells the time."}
    nested = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    request = asked(tools=[clock, nested], tool_choice={"type": "function", "name": "clock"}, stream_format="sse")
    assert request.tools == (
        llm.Tool(name="clock", description="Tells the time."),
        llm.Tool(name="weather", parameters={"type": "object"}),
    )
    assert request.tool_choice == llm.NamedTool(name="clock")
    with pytest.raises(InvalidRequest, match="stream_format 'sse'"):
        asked(tools=[clock])


def test_a_conversation_is_named_in_two_ways_and_kept_unless_told_otherwise() -> None:
    named = ConversationRef(conversation="c")
    assert asked(conversation="c").conversation == asked(conversation={"id": "c"}).conversation == named
    assert asked(store=None).conversation == ConversationRef(keep=True)
    assert asked(store=False, previous_response_id="r").conversation == ConversationRef(
        keep=False, previous_response="r"
    )
    result = llm.Message(role="tool", parts=(llm.ToolResult(call_id="c1", output="noon"),))
    assert asked(messages=[RESULT]).conversation == ConversationRef(history=(result,))


def test_without_a_recording_the_history_ends_in_a_result() -> None:
    assert asked(recorded=False, messages=[RESULT]).audio is None
    for messages in (None, [], [RESULT, {"role": "assistant", "content": "It is noon."}]):
        with pytest.raises(InvalidRequest, match="Missing required parameter: 'file'") as refusal:
            asked(recorded=False, messages=messages)
        assert refusal.value.param == "audio"


def test_recordings_in_messages_are_refused() -> None:
    recording = {"type": "input_audio", "input_audio": {"data": "UklGRg=="}}
    with pytest.raises(InvalidRequest, match="chat/completions") as refusal:
        asked(messages=[{"role": "user", "content": [recording]}])
    assert refusal.value.param == "messages"


def test_what_the_wire_does_not_show_is_no_event() -> None:
    hidden: tuple[TurnEvent, ...] = (
        ConversationJoined(conversation_id="c"),
        RecordingFinished(recording=llm.Audio(data=b"RIFF", format="wav"), seconds=1.0),
        Started(),
        tts.AudioChunk(pcm=b"xx"),
        UtteranceFinished(characters=3, seconds=1.0),
        llm.ReasoningDelta(text="hm"),
        llm.ToolCallStarted(call_id="c", name="n"),
        llm.ToolCallDelta(call_id="c", arguments="{"),
        ConversationKept(conversation_id="c", compaction=None),
    )
    assert [event_of(event) for event in hidden] == [None] * len(hidden)


def finished(**fields: Any) -> schema.AudioDone:
    plain: dict[str, Any] = {
        "response_id": "resp_1",
        "conversation_id": "conv_1",
        "route": "m",
        "answered_by": "m",
        "reason": "length",
        "heard_seconds": 1.0,
        "characters": 3,
        "spoken_seconds": 1.0,
        "delivered_seconds": 1.0,
        "usage": llm.Usage(input_tokens=3, output_tokens=4, cached_tokens=1),
        "compaction": None,
        "timings": Timings(stt=0.1, llm_first=0.02, tts_first=0.0034567, first_audio=0.2, total=1.5),
    }
    done = event_of(TurnFinished(reason="length", outcome=TurnOutcome(**{**plain, **fields})))
    assert isinstance(done, schema.AudioDone)
    return done


def test_the_last_event_tells_reason_usage_and_times() -> None:
    assert msgspec.to_builtins(finished()) == {
        "type": "speech.audio.done",
        "response_id": "resp_1",
        "conversation_id": "conv_1",
        "finish_reason": "length",
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
        "timings": {
            "stt_ms": 100.0,
            "llm_first_ms": 20.0,
            "tts_first_ms": 3.5,
            "first_audio_ms": 200.0,
            "total_ms": 1500.0,
        },
    }
    assert finished(usage=None).usage is None
