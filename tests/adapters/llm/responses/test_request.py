from typing import Any

import pytest
from openai.types.responses import ResponseInputItemParam
from pydantic import TypeAdapter

from adapters.contract import llm
from adapters.contract.errors import Unsupported
from adapters.llm.responses.request import body, ignored
from adapters.upstream import UpstreamOptions


def text(content: str) -> llm.Text:
    return llm.Text(text=content)


def items(*messages: tuple[str, tuple[llm.Part, ...]]) -> list[dict[str, Any]]:
    request = llm.Request(model="m", messages=tuple(llm.Message(role=role, parts=parts) for role, parts in messages))
    written: list[dict[str, Any]] = body(request, UpstreamOptions(), openai=False)["input"]
    return written


def fields(request: dict[str, Any], options: dict[str, Any], *, openai: bool = False) -> dict[str, Any]:
    set_here = UpstreamOptions(**{f"responses_api_{name}": value for name, value in options.items()})
    written = body(llm.Request(model="m", messages=(), **request), set_here, openai=openai)
    assert written.pop("input") == []
    return written


def test_the_smallest_request_is_not_stored() -> None:
    assert fields({}, {}) == {"model": "m", "stream": True, "store": False}
    assert fields({}, {"stream": False})["stream"] is False


def test_messages_and_the_system_prompt_are_input_items() -> None:
    assert items(
        ("system", (text("be brief"),)),
        ("user", (text("see"), llm.Image(url="data:x"), llm.Image(url="y", detail="low"))),
        ("assistant", (text("a"), text("b"))),
    ) == [
        {"type": "message", "role": "system", "content": "be brief"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "see"},
                {"type": "input_image", "image_url": "data:x", "detail": "auto"},
                {"type": "input_image", "image_url": "y", "detail": "low"},
            ],
        },
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_2",
            "status": "completed",
            "content": [{"type": "output_text", "text": "a\nb", "annotations": []}],
        },
    ]


# As vLLM validates its input: unions of the SDK's types, where an assistant's text without id or status is refused.
_INPUT: TypeAdapter[list[Any]] = TypeAdapter(list[ResponseInputItemParam])


def test_every_item_is_one_of_the_openai_package() -> None:
    call = llm.ToolCall(call_id="c", name="f", arguments="{}")
    written = items(
        ("developer", (text("be brief"),)),
        ("user", (text("see"), llm.Image(url="https://example.com/x.png"))),
        ("assistant", (text("I look"), call)),
        ("tool", (llm.ToolResult(call_id="c", output="42"),)),
        ("assistant", (text("It is 42"),)),
    )
    assert len(_INPUT.validate_python(written)) == 6


def test_an_empty_text_beside_something_else_is_left_out_but_no_message() -> None:
    call = llm.ToolCall(call_id="c", name="f", arguments="{}")
    written = items(("user", (text(""), text("x"))), ("user", (text(""),)), ("assistant", (text(""), call)))
    assert written[:2] == [{"type": "message", "role": "user", "content": content} for content in ("x", "")]
    assert [item["type"] for item in written[2:]] == ["function_call"]


def test_a_faulty_call_is_sent_back_in_a_form_that_servers_accept() -> None:
    calls = tuple(llm.ToolCall(call_id=bad, name="f", arguments=bad) for bad in ("{", "[1]", ""))
    assert [item["arguments"] for item in items(("assistant", calls))] == ["{}", "{}", "{}"]


def test_calls_and_results_are_items_in_their_order() -> None:
    call = llm.ToolCall(call_id="c", name="f", arguments="{}")
    found = items(
        ("assistant", (text("wait"), call, llm.Opaque(route="x", data=1))),
        ("tool", (llm.ToolResult(call_id="c", output="42"),)),
    )
    assert found[1:] == [
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "42"},
    ]


def test_audio_is_refused_with_the_way_out() -> None:
    with pytest.raises(Unsupported, match="chat-completions"):
        items(("user", (llm.Audio(data=b"x", format="wav"),)))


def test_tools_are_flat_and_strict_only_where_they_may_be() -> None:
    tools = (llm.Tool(name="f", description="d", parameters={"type": "object"}), llm.Tool(name="g", strict=None))
    written = fields({"tools": tools, "tool_choice": llm.NamedTool(name="g")}, {})
    assert written["tools"] == [
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False},
        {"type": "function", "name": "g"},
    ]
    assert written["tool_choice"] == {"type": "function", "name": "g"}
    assert "tool_choice" not in fields({"tool_choice": "auto"}, {})


def test_the_request_wins_and_what_has_no_field_is_named() -> None:
    sampling = llm.Sampling(temperature=0.0, stop=("x",))
    options = {"temperature": 1.0, "top_p": 0.5, "seed": 0, "max_output_tokens": 9}
    assert fields({"sampling": sampling, "max_output_tokens": 5}, options) == {
        "model": "m",
        "stream": True,
        "store": False,
        "temperature": 0.0,
        "top_p": 0.5,
        "max_output_tokens": 5,
    }
    request = llm.Request(model="m", messages=(), sampling=sampling)
    assert ignored(request, UpstreamOptions(responses_api_seed=0)) == ("stop", "seed")


NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}


@pytest.mark.parametrize(
    ("reasoning", "openai", "expected"),
    [
        (llm.Reasoning(effort="low", disabled=True), False, {"reasoning": {"effort": "low"}}),
        (llm.Reasoning(effort="none"), True, {"reasoning": {"effort": "none"}}),
        (llm.Reasoning(disabled=True), False, NO_THINKING),
        (llm.Reasoning(disabled=True), True, {}),
        (llm.Reasoning(), False, {}),
    ],
)
def test_reasoning_controls(reasoning: llm.Reasoning, openai: bool, expected: dict[str, Any]) -> None:
    written = fields({"reasoning": reasoning}, {}, openai=openai)
    assert {name: written[name] for name in ("reasoning", "chat_template_kwargs") if name in written} == expected


@pytest.mark.parametrize(
    ("model", "reasoning", "openai", "asked"),
    [
        ("gpt-5-mini", llm.Reasoning(), True, True),
        ("o4-mini", llm.Reasoning(disabled=True), True, True),
        ("ft:of-mine", llm.Reasoning(effort="low"), True, True),
        ("gpt-4o-mini", llm.Reasoning(), True, False),
        ("gpt-5-chat-latest", llm.Reasoning(), True, False),
        ("gpt-5-mini", llm.Reasoning(effort="none"), True, False),
        ("gpt-5-mini", llm.Reasoning(effort="low"), False, False),
    ],
)
def test_encrypted_reasoning_is_asked_of_openais_reasoning_models_only(
    model: str, reasoning: llm.Reasoning, openai: bool, asked: bool
) -> None:
    written = body(llm.Request(model=model, messages=(), reasoning=reasoning), UpstreamOptions(), openai=openai)
    assert written.get("include") == (["reasoning.encrypted_content"] if asked else None)


def test_the_extra_body_wins_over_everything_and_extra_over_nothing() -> None:
    written = fields({"extra": {"store": True, "include": []}}, {"extra_body": {"model": "other"}})
    assert (written["store"], written["include"], written["model"]) == (False, [], "other")


def test_an_answer_in_json_and_calls_one_at_a_time() -> None:
    schema = {"type": "object"}
    assert fields({"json_answer": llm.JsonAnswer()}, {})["text"] == {"format": {"type": "json_object"}}
    assert fields({"json_answer": llm.JsonAnswer(name="n", schema=schema, strict=True)}, {})["text"] == {
        "format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True}
    }
    assert fields({"json_answer": llm.JsonAnswer(schema=schema)}, {})["text"]["format"]["name"] == "answer"
    assert fields({"tools": (llm.Tool(name="g"),), "parallel_tool_calls": False}, {})["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in fields({"parallel_tool_calls": False}, {})
