"""A request becomes a turn field by field; nothing is invented or lost."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.access.caller import ANYONE
from gateway.conversation.history import ConversationRef
from gateway.turns.request import TurnRequest
from gateway.wire.voice_turn import SpeechToSpeechRequest, turn_request

PICTURE = llm.Image(url="https://example.com/cat.png")
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "noon"}


async def silence(_sample_rate: int) -> bytes:
    return b""


def asked(*, recorded: bool = True, images: tuple[llm.Image, ...] = (), **fields: Any) -> TurnRequest:
    return turn_request(
        msgspec.convert(fields, SpeechToSpeechRequest), ANYONE, silence if recorded else None, images, {}
    )


def test_a_bare_request_asks_for_nothing_but_an_answer() -> None:
    assert asked() == TurnRequest(caller=ANYONE, audio=silence)
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
        caller=ANYONE,
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
