"""A request becomes a turn field by field; what cannot be asked for is refused with its field's name."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from gateway.access.caller import ANYONE
from gateway.api.chat_completions.schema import ChatCompletionRequest, Envelope
from gateway.api.chat_completions.translate import (
    Pieces,
    TurnContext,
    check,
    check_envelope,
    completion_id,
    completion_of,
    ignored,
    not_stored,
    turn_request,
    usage_of,
)
from gateway.conversation.history import ConversationRef
from gateway.pipeline.answer import AnswerFinished
from gateway.turns.request import AudioSource, TurnRequest
from tests.support.chat_client import SPOKEN, recording, user

HI = llm.Message(role="user", parts=(llm.Text(text="hi"),))
CLOCK = {"type": "function", "function": {"name": "clock"}}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}, "strict": True}}


def source_of(_recording: llm.Audio) -> AudioSource:
    raise AssertionError("nothing is decoded here")


CONTEXT = TurnContext(
    caller=ANYONE, source_of=source_of, spoken_words={"audio_0": "It is noon."}, audio_id="audio_1", extra={"top_k": 4}
)


def read(**fields: Any) -> ChatCompletionRequest:
    return msgspec.convert({"model": "m", "messages": [user("hi")], **fields}, ChatCompletionRequest)


def asked(**fields: Any) -> TurnRequest:
    return turn_request(read(**fields), CONTEXT)


def test_a_text_request_is_literal_and_nothing_is_kept() -> None:
    assert asked() == TurnRequest(
        caller=ANYONE,
        source_of=source_of,
        conversation=ConversationRef(keep=False, history=(HI,)),
        instructions="",
        extra={"top_k": 4},
        literal=True,
        spoken=False,
    )


def test_sampling_and_limits_arrive() -> None:
    request = asked(
        temperature=0.0,
        top_p=0.0,
        stop="END",
        seed=0,
        frequency_penalty=-2.0,
        presence_penalty=2.0,
        max_tokens=3,
        max_completion_tokens=7,
        reasoning_effort="none",
        parallel_tool_calls=False,
    )
    assert request.sampling == llm.Sampling(
        temperature=0.0, top_p=0.0, stop=("END",), seed=0, frequency_penalty=-2.0, presence_penalty=2.0
    )
    assert (request.max_output_tokens, request.reasoning_effort, request.parallel_tool_calls) == (7, "none", False)
    assert asked(max_tokens=3).max_output_tokens == 3


def test_tools_and_their_choice_arrive() -> None:
    clock, weather = llm.Tool(name="clock"), llm.Tool(name="weather", parameters={"type": "object"}, strict=True)
    named = asked(tools=[CLOCK, WEATHER], tool_choice=CLOCK)
    assert (named.tools, named.tool_choice) == ((clock, weather), llm.NamedTool(name="clock"))
    some = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [WEATHER]}}
    left = asked(tools=[CLOCK, {**WEATHER}], tool_choice=some)
    assert (left.tools, left.tool_choice) == ((weather,), "required")
    assert asked(tool_choice="none").tool_choice is None
    assert asked(tool_choice="required").tool_choice == "required"


def test_the_form_of_the_answer_arrives() -> None:
    assert asked(response_format={"type": "text"}).json_answer is None
    assert asked(response_format={"type": "json_object"}).json_answer == llm.JsonAnswer()
    wanted = {"name": "n", "schema": {"type": "object"}, "strict": True}
    json_answer = asked(response_format={"type": "json_schema", "json_schema": wanted}).json_answer
    assert json_answer == llm.JsonAnswer(name="n", schema={"type": "object"}, strict=True)
    schema: dict[str, Any] = {}
    for _ in range(100):
        schema = {"items": schema}
    with pytest.raises(InvalidRequest, match="nested too deeply") as refusal:
        asked(response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}})
    assert refusal.value.param == "response_format.json_schema.schema"


def test_a_spoken_answer_is_that_of_a_voice_turn() -> None:
    request = asked(modalities=["text", "audio"], audio={"voice": {"id": "nova"}, "format": "mp3"})
    assert (request.spoken, request.literal, request.voice, request.audio_id) == (True, False, "nova", "audio_1")
    assert (request.instructions, request.conversation) == (None, ConversationRef(keep=False, added=(HI,)))


def test_the_clients_own_system_message_stands_in_place_of_the_gateways() -> None:
    messages = [{"role": "developer", "content": "Rhyme."}, user("hi")]
    request = asked(messages=messages, **SPOKEN)
    assert request.instructions == ""
    assert [message.role for message in request.conversation.history or ()] == ["developer", "user"]


def test_recordings_and_earlier_spoken_answers_are_messages() -> None:
    messages = [user([recording(b"RIFF")]), {"role": "assistant", "audio": {"id": "audio_0"}}, user("hi")]
    history = asked(messages=messages).conversation.history
    assert history is not None
    assert history[0].parts == (llm.Audio(data=b"RIFF", format="wav"),)
    assert history[1].parts == (llm.Text(text="It is noon."),)


@pytest.mark.parametrize(
    ("fields", "kind", "param"),
    [
        ({"modalities": ["text", "audio"]}, InvalidRequest, "audio"),
        (
            {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}, "stream": True},
            Unsupported,
            "audio.format",
        ),
        ({"logprobs": True, "top_logprobs": 2}, Unsupported, "logprobs"),
        ({"top_logprobs": 2}, Unsupported, "top_logprobs"),
    ],
)
def test_what_a_turn_cannot_do_is_refused(fields: dict[str, Any], kind: type[InvalidRequest], param: str) -> None:
    with pytest.raises(kind) as refusal:
        check(read(**fields))
    assert refusal.value.param == param


def test_what_nobody_can_do_is_refused() -> None:
    def envelope(**fields: Any) -> Envelope:
        return msgspec.convert({"model": "m", "messages": [user()], **fields}, Envelope)

    check_envelope(envelope(stream=True, stream_options={"include_usage": True}, modalities=["text"]))
    refused: list[dict[str, Any]] = [
        {"stream_options": {"include_usage": True}},
        {"modalities": ["audio"]},
        {"modalities": []},
    ]
    for fields in refused:
        with pytest.raises(InvalidRequest) as refusal:
            check_envelope(envelope(**fields))
        assert refusal.value.param in fields


def test_what_has_no_effect_is_named() -> None:
    request = read(audio=SPOKEN["audio"], stream_options={"include_obfuscation": True})
    assert ignored(request) == ("audio", "stream_options.include_obfuscation")
    assert ignored(read(stream_options={"include_obfuscation": False}, **SPOKEN)) == ()
    call = {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}
    result = {"role": "function", "name": "f", "content": "x"}
    assert ignored(read(messages=[user(), call, result])) == ()
    assert ignored(read(messages=[user(), {"role": "user", "name": "ann", "content": "Hi"}])) == ("messages.name",)


def test_metadata_is_without_effect_where_it_was_to_be_stored() -> None:
    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"store": True, "metadata": {"a": "b"}}, ("store", "metadata")),
        ({"store": True, "metadata": None}, ("store",)),
        ({"store": False, "metadata": {"a": "b"}}, ()),
        ({"metadata": {"a": "b"}}, ()),
    ]
    for values, names in cases:
        assert not_stored(msgspec.convert({"model": "m", "messages": [], **values}, Envelope), values) == names


def finished(*parts: llm.Part, text: str = "", reason: llm.FinishReason = "stop") -> AnswerFinished:
    message = llm.Message(role="assistant", parts=parts)
    return AnswerFinished(text=text, message=message, reason=reason, usage=None)


def pieces(*events: llm.TextDelta | llm.ReasoningDelta) -> Pieces:
    found = Pieces()
    for event in events:
        found.note(event)
    return found


NOON = pieces(llm.TextDelta(text="No"), llm.TextDelta(text="on."))


def test_a_whole_answer() -> None:
    names = completion_id("m", 3600.0)
    call = llm.ToolCall(call_id="c1", name="clock", arguments="{}")
    plain = completion_of(names, finished(text="Noon."), NOON, None)
    assert (plain.id, plain.model, plain.usage) == (names.id, "m", None)
    assert (plain.choices[0].message.content, plain.choices[0].message.refusal) == ("Noon.", None)
    assert completion_of(names, finished(), Pieces(), None).choices[0].message.content == ""
    thought = pieces(llm.ReasoningDelta(text="hm"))
    called = completion_of(names, finished(call, reason="tool_calls"), thought, None).choices[0]
    assert (called.message.content, called.message.reasoning_content, called.finish_reason) == (
        None,
        "hm",
        "tool_calls",
    )
    spoken = completion_of(names, finished(text="Noon."), NOON, "UklGRg==").choices[0].message
    assert spoken.content is None
    assert msgspec.to_builtins(spoken.audio) == {
        "id": names.audio_id,
        "expires_at": names.created + 3600,
        "data": "UklGRg==",
        "transcript": "Noon.",
    }


def test_a_refusal_is_no_content_but_is_spoken() -> None:
    names, refused = completion_id("m", 3600.0), pieces(llm.TextDelta(text="I can't.", refusal=True))
    shown = completion_of(names, finished(text="I can't."), refused, None).choices[0].message
    assert (shown.content, shown.refusal) == (None, "I can't.")
    spoken = completion_of(names, finished(text="I can't."), refused, "UklGRg==").choices[0].message
    assert (spoken.content, spoken.refusal) == (None, None)
    assert msgspec.to_builtins(spoken.audio)["transcript"] == "I can't."


def test_tokens_are_counted_once() -> None:
    usage = usage_of(llm.Usage(input_tokens=3, output_tokens=4, cached_tokens=2, reasoning_tokens=1))
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (3, 4, 7)
    assert usage_of(None) is None
