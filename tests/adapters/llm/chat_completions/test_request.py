from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.passthrough import PassRequest
from adapters.llm.chat_completions.request import body, passed_body
from adapters.upstream import UpstreamOptions


def text(content: str) -> llm.Text:
    return llm.Text(text=content)


def messages(*messages: tuple[str, tuple[llm.Part, ...]]) -> list[dict[str, Any]]:
    request = llm.Request(model="m", messages=tuple(llm.Message(role=role, parts=parts) for role, parts in messages))
    written: list[dict[str, Any]] = body(request, UpstreamOptions(), openai=False)["messages"]
    return written


def fields(request: dict[str, Any], options: dict[str, Any], *, openai: bool = False) -> dict[str, Any]:
    set_here = UpstreamOptions(**{f"responses_api_{name}": value for name, value in options.items()})
    written = body(llm.Request(model="m", messages=(), **request), set_here, openai=openai)
    assert written.pop("messages") == []
    return written


def test_the_smallest_request() -> None:
    assert fields({}, {}) == {"model": "m", "stream": True, "stream_options": {"include_usage": True}}


def test_without_streaming_there_are_no_stream_options() -> None:
    assert fields({}, {"stream": False}) == {"model": "m", "stream": False}


def test_messages_of_text_go_as_strings() -> None:
    assert messages(("system", (text("be brief"),)), ("user", (text("a"), text("b"))), ("assistant", (text("c"),))) == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "a\nb"},
        {"role": "assistant", "content": "c"},
    ]


def test_images_and_audio_go_as_parts() -> None:
    parts = (
        text("see"),
        llm.Image(url="data:x", detail="low"),
        llm.Image(url="y"),
        llm.Audio(data=b"abc", format="wav"),
    )
    assert messages(("user", parts)) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "data:x", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "y"}},
                {"type": "input_audio", "input_audio": {"data": "YWJj", "format": "wav"}},
            ],
        }
    ]


@pytest.mark.parametrize(("kind", "expected"), [("wav", "audio/wav"), ("mp3", "audio/mpeg")])
def test_audio_goes_as_a_url_where_the_option_says_so(kind: str, expected: str) -> None:
    options = UpstreamOptions(responses_api_audio_part="audio_url")
    message = llm.Message(role="user", parts=(llm.Audio(data=b"abc", format=kind),))
    written = body(llm.Request(model="m", messages=(message,)), options, openai=False)["messages"][0]["content"]
    assert written == [{"type": "audio_url", "audio_url": {"url": f"data:{expected};base64,YWJj"}}]


def test_an_empty_text_beside_another_is_left_out_but_no_message() -> None:
    one, called = call(1)
    assert messages(("user", (text(""), text("x"))), ("user", (text(""),)), ("assistant", (text(""), one))) == [
        {"role": "user", "content": "x"},
        {"role": "user", "content": ""},
        {"role": "assistant", "tool_calls": [called]},
    ]


def test_reasoning_that_a_client_sends_back_goes_to_all_servers_but_openai() -> None:
    thinking = llm.Message(role="assistant", parts=(text("a"), call(1)[0]), reasoning="hm")
    request = llm.Request(model="m", messages=(thinking,))
    [message] = body(request, UpstreamOptions(), openai=False)["messages"]
    assert message["reasoning_content"] == "hm"
    [message] = body(request, UpstreamOptions(), openai=True)["messages"]
    assert message.keys() == {"role", "content", "tool_calls"}


def test_a_faulty_call_is_sent_back_in_a_form_that_servers_accept() -> None:
    calls = tuple(llm.ToolCall(call_id=bad, name="f", arguments=bad) for bad in ("{", "[1]", ""))
    [message] = messages(("assistant", calls))
    assert [call["function"]["arguments"] for call in message["tool_calls"]] == ["{}", "{}", "{}"]


def call(number: int) -> tuple[llm.ToolCall, dict[str, Any]]:
    written = {"id": f"call_{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return llm.ToolCall(call_id=f"call_{number}", name="f", arguments="{}"), written


@pytest.mark.parametrize("together", [True, False])
def test_the_calls_of_one_turn_are_one_message_and_each_result_is_its_own(together: bool) -> None:
    (one, first), (two, second) = call(1), call(2)
    results = tuple(llm.ToolResult(call_id=f"call_{number}", output=str(number)) for number in (1, 2))
    turn: list[tuple[str, tuple[llm.Part, ...]]] = (
        [("assistant", (text("wait"), one, two)), ("tool", results)]
        if together
        else [("assistant", (text("wait"),)), ("assistant", (one,)), ("assistant", (two,)), ("tool", results)]
    )
    assert messages(*turn) == [
        {"role": "assistant", "content": "wait", "tool_calls": [first, second]},
        {"role": "tool", "tool_call_id": "call_1", "content": "1"},
        {"role": "tool", "tool_call_id": "call_2", "content": "2"},
    ]


def test_a_call_without_text_has_no_content() -> None:
    one, first = call(1)
    assert messages(("assistant", (one,))) == [{"role": "assistant", "tool_calls": [first]}]


def test_what_another_provider_left_behind_is_skipped() -> None:
    opaque = llm.Opaque(route="other", data={})
    assert messages(("assistant", (opaque,)), ("user", (opaque, text("x")))) == [{"role": "user", "content": "x"}]


def test_tools_are_nested() -> None:
    tools = (
        llm.Tool(name="f", description="d", parameters={"type": "object"}, strict=True),
        llm.Tool(name="g", strict=None),
    )
    written = fields({"tools": tools, "tool_choice": llm.NamedTool(name="g")}, {})
    assert written["tools"] == [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
        },
        {"type": "function", "function": {"name": "g"}},
    ]
    assert written["tool_choice"] == {"type": "function", "function": {"name": "g"}}
    assert fields({"tools": (llm.Tool(name="g"),)}, {})["tools"] == written["tools"][1:]  # strict is off by default


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_a_tool_choice_goes_only_with_tools(choice: str) -> None:
    assert fields({"tools": (llm.Tool(name="g"),), "tool_choice": choice}, {})["tool_choice"] == choice
    assert "tool_choice" not in fields({"tool_choice": choice}, {})


def test_the_token_limit_has_another_name_at_openai_and_the_request_wins() -> None:
    assert fields({"max_output_tokens": 5}, {"max_output_tokens": 9})["max_tokens"] == 5
    written = fields({}, {"max_output_tokens": 9}, openai=True)
    assert written["max_completion_tokens"] == 9
    assert "max_tokens" not in written


def test_sampling_is_sent_when_set_and_the_request_wins() -> None:
    written = fields(
        {"sampling": llm.Sampling(temperature=0.0, stop=("x",), frequency_penalty=1.0)},
        {"temperature": 1.0, "top_p": 0.5, "seed": 0, "presence_penalty": -1.0},
    )
    del written["model"], written["stream"], written["stream_options"]
    assert written == {
        "temperature": 0.0,
        "top_p": 0.5,
        "stop": ("x",),
        "seed": 0,
        "frequency_penalty": 1.0,
        "presence_penalty": -1.0,
    }


NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}


@pytest.mark.parametrize(
    ("reasoning", "openai", "expected"),
    [
        (llm.Reasoning(effort="low", disabled=True), False, {"reasoning_effort": "low"}),
        (llm.Reasoning(effort="none"), True, {"reasoning_effort": "none"}),
        (llm.Reasoning(disabled=True), False, NO_THINKING),
        (llm.Reasoning(disabled=True), True, {}),
        (llm.Reasoning(), False, {}),
    ],
)
def test_reasoning_controls(reasoning: llm.Reasoning, openai: bool, expected: dict[str, Any]) -> None:
    written = fields({"reasoning": reasoning}, {}, openai=openai)
    assert {name: written[name] for name in ("reasoning_effort", "chat_template_kwargs") if name in written} == expected


def test_the_extra_body_wins_over_everything_and_extra_over_nothing() -> None:
    written = fields(
        {"extra": {"model": "no", "logit_bias": {}}}, {"temperature": 1.0, "extra_body": {"temperature": 2}}
    )
    assert (written["model"], written["logit_bias"], written["temperature"]) == ("m", {}, 2)


def test_an_answer_in_json_and_calls_one_at_a_time() -> None:
    schema = {"type": "object"}
    assert fields({"json_answer": llm.JsonAnswer()}, {})["response_format"] == {"type": "json_object"}
    assert fields({"json_answer": llm.JsonAnswer(name="n", schema=schema, strict=True)}, {})["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": schema, "strict": True},
    }
    named = fields({"json_answer": llm.JsonAnswer(schema=schema)}, {})["response_format"]["json_schema"]
    assert named == {"name": "answer", "schema": schema}
    assert fields({"tools": (llm.Tool(name="g"),), "parallel_tool_calls": False}, {})["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in fields({"parallel_tool_calls": False}, {})


@pytest.mark.parametrize(
    ("store", "openai", "sent"),
    [(None, True, False), (True, True, False), (False, True, False), (True, False, False), (None, False, None)],
)
def test_what_is_passed_on_is_never_stored_there(store: bool | None, openai: bool, sent: bool | None) -> None:
    asked: dict[str, Any] = {"messages": []} if store is None else {"messages": [], "store": store}
    options = UpstreamOptions(responses_api_base_url="http://x/v1", responses_api_api_key=None)
    assert passed_body(PassRequest(model="m", body=asked), options, openai=openai).get("store") is sent
