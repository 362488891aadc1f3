"""The unmodified OpenAI SDK as client of the Responses API, in the call forms that people write."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response
from pydantic import BaseModel

from adapters import scripted
from adapters.contract import llm
from adapters.scripted import Scripted
from tests.support.responses_client import CLOCK, call, checked_events, checked_response, desk, writing

T = TypeVar("T")

SAID = "Hello there. How are you?"


async def sync(function: Callable[[], T]) -> T:
    """The sync SDK blocks: it runs in a thread, beside the server's event loop."""
    return await asyncio.to_thread(function)


def talkative() -> Any:
    """A model that thinks, speaks and calls a function twice."""
    return scripted.language_model(
        writing(
            llm.ReasoningDelta(text="They want "),
            llm.ReasoningDelta(text="the time."),
            llm.TextDelta(text="Let me "),
            llm.TextDelta(text="look."),
            *call("c1", "clock", '{"zone"', ': "UTC"}'),
            *call("c2", "clock", "{}"),
            reason="tool_calls",
        )
    )


async def test_a_whole_response() -> None:
    async with desk() as at:
        answer = await at.http.post("/v1/responses", json={"input": "Hi"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        response = checked_response(answer.json())
        assert answer.headers["x-response-id"] == response["id"]
        assert (response["status"], response["model"]) == ("completed", "echo")
        assert response["completed_at"] >= response["created_at"]
        assert response["usage"] == {
            "input_tokens": 1,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 3,
        }
        (message,) = response["output"]
        assert message["content"] == [{"type": "output_text", "text": SAID, "annotations": [], "logprobs": []}]
        assert at.got == ["user: Hi"], "no prompt of the gateway's own"


async def test_the_sync_client() -> None:
    async with desk() as at:

        def ask() -> Response:
            with OpenAI(base_url=f"{at.address}/v1", api_key="sk-local") as client:
                return client.responses.create(model="gpt-5", instructions="Be brief.", input="Hi")

        response = await sync(ask)
        assert (response.output_text, response.model, response.instructions) == (SAID, "gpt-5", "Be brief.")
        assert at.got == ["system: Be brief.", "user: Hi"]


async def test_every_event_comes_in_openais_order() -> None:
    async with desk(llm=talkative()) as at:
        answer = await at.http.post("/v1/responses", json={"input": "Hi", "stream": True, "tools": [CLOCK]})
        events = checked_events(answer.text)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [event["type"].removeprefix("response.") for event in events] == [
        *("created", "in_progress"),
        *("output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.delta"),
        *("reasoning_text.done", "content_part.done", "output_item.done"),
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.delta"),
        *("output_text.done", "content_part.done", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta", "function_call_arguments.delta"),
        *("function_call_arguments.done", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"),
        "completed",
    ]
    first, last = events[0]["response"], events[-1]["response"]
    assert (first["status"], first["output"], first["usage"]) == ("in_progress", [], None)
    assert last["output"] == [event["item"] for event in events if event["type"] == "response.output_item.done"]
    reasoning, message, one, two = last["output"]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "They want the time."}]
    assert message["content"][0]["text"] == "Let me look."
    assert (one["call_id"], one["arguments"], two["arguments"]) == ("c1", '{"zone": "UTC"}', "{}")
    assert last["usage"]["output_tokens_details"] == {"reasoning_tokens": 1}


async def test_reasoning_comes_as_summary_where_a_client_looks_for_one() -> None:
    async with desk(llm=talkative()) as at:
        body = {"input": "Hi", "stream": True, "tools": [CLOCK], "reasoning": {"effort": "low", "summary": "auto"}}
        answer = await at.http.post("/v1/responses", json=body)
        events = checked_events(answer.text)
    assert [event["type"].removeprefix("response.") for event in events[2:9]] == [
        *("output_item.added", "reasoning_summary_part.added"),
        *("reasoning_summary_text.delta", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
    ]
    reasoning = events[-1]["response"]["output"][0]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "They want the time."}]
    assert events[-1]["response"]["reasoning"] == {"effort": "low", "summary": "auto"}
    assert at.engines.llm.requests[-1].reasoning == llm.Reasoning(effort="low", shown=True)


async def test_the_stream_of_the_sdk() -> None:
    async with desk(llm=talkative()) as at:
        stream: Any = await at.sdk.responses.create(input="Hi", stream=True, tools=[CLOCK])  # type: ignore[list-item]
        events = [event async for event in stream]
        assert events[0].type == "response.created"
        assert events[-1].type == "response.completed"
        async with at.sdk.responses.stream(input="Hi", tools=[CLOCK], model="m") as helper:  # type: ignore[list-item]
            text = "".join([event.delta async for event in helper if event.type == "response.output_text.delta"])
            final = await helper.get_final_response()
        assert text == final.output_text == "Let me look."
        assert [item.type for item in final.output] == ["reasoning", "message", "function_call", "function_call"]


class Answer(BaseModel):
    """The form of an answer."""

    city: str


def json_model() -> Any:
    engine: Any = Scripted(llm.Info(tools=True, json_answers=True), writing(llm.TextDelta(text='{"city": "Ulm"}')))
    return engine


async def test_an_answer_in_json_is_parsed() -> None:
    async with desk(llm=json_model()) as at:
        parsed = await at.sdk.responses.parse(model="m", input="Which city?", text_format=Answer)
        assert parsed.output_parsed == Answer(city="Ulm")
        asked = at.engines.llm.requests[-1].json_answer
        assert (asked.name, asked.strict) == ("Answer", True)
        assert asked.schema["properties"].keys() == {"city"}
        await at.sdk.responses.create(input="Which?", text={"format": {"type": "json_object"}})
        assert at.engines.llm.requests[-1].json_answer == llm.JsonAnswer()


async def test_a_model_that_cannot_promise_json_says_so() -> None:
    async with desk() as at:
        with pytest.raises(openai.BadRequestError) as refused:
            await at.sdk.responses.parse(model="m", input="Which city?", text_format=Answer)
    assert (refused.value.param, refused.value.code) == ("text.format", "unsupported_value")


async def test_what_is_asked_for_reaches_the_model_and_is_echoed() -> None:
    tool = {
        "type": "function",
        "name": "clock",
        "description": "Time",
        "parameters": {"type": "object"},
        "strict": True,
    }
    async with desk(llm=talkative()) as at:
        body = {
            "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
            "tools": [tool],
            "tool_choice": {"type": "function", "name": "clock"},
            "parallel_tool_calls": False,
            "max_output_tokens": 100,
            "temperature": 0.5,
            "top_p": 0.25,
            "metadata": {"k": "v"},
            "store": False,
            "truncation": "disabled",
        }
        answer = await at.http.post("/v1/responses", json=body)
        response = checked_response(answer.json())
        for key in ("tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "temperature", "top_p"):
            assert response[key] == body[key], key
        assert (response["metadata"], response["store"]) == ({"k": "v"}, False)
        asked: llm.Request = at.engines.llm.requests[-1]
        assert asked.tools == (llm.Tool(name="clock", description="Time", parameters={"type": "object"}, strict=True),)
        assert asked.tool_choice == llm.NamedTool(name="clock")
        assert asked.parallel_tool_calls is False
        assert (asked.max_output_tokens, asked.sampling) == (100, llm.Sampling(temperature=0.5, top_p=0.25))
        assert "x-ignored-parameters" not in answer.headers
        assert "x-conversation-id" not in answer.headers


@pytest.mark.parametrize("mode", ["auto", "required"])
async def test_a_choice_among_tools_leaves_the_model_some_of_them(mode: str) -> None:
    tools: list[Any] = [
        {"type": "function", "name": name, "description": None, "parameters": {}, "strict": None}
        for name in ("clock", "weather")
    ]
    choice: Any = {"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": "weather"}]}
    async with desk(llm=talkative()) as at:
        answer = await at.sdk.responses.create(model="m", input="Hi", tools=tools, tool_choice=choice)
        asked: llm.Request = at.engines.llm.requests[-1]
        assert ([tool.name for tool in asked.tools], asked.tool_choice) == (["weather"], mode)
        response = checked_response(answer.to_dict())
        assert (response["tools"], response["tool_choice"]) == (tools, choice)


async def test_what_has_no_effect_is_named() -> None:
    async with desk() as at:
        body = {
            "input": "Hi",
            "user": "u",
            "prompt_cache_key": "k",
            "safety_identifier": "s",
            "service_tier": "flex",
            "include": ["message.output_text.logprobs"],
            "top_logprobs": 3,
            "max_tool_calls": 2,
            "truncation": "auto",
            "text": {"verbosity": "low"},
            "stream_options": {"include_obfuscation": True},
            "frobnicate": 1,
            "temperature": None,
        }
        answer = await at.http.post("/v1/responses", json=body)
        response = checked_response(answer.json())
    assert answer.headers["x-ignored-parameters"].split(", ") == [
        *("frobnicate", "include", "max_tool_calls", "prompt_cache_key", "safety_identifier", "service_tier"),
        *("stream_options", "text.verbosity", "top_logprobs", "truncation", "user"),
    ]
    assert (response["user"], response["truncation"], response["temperature"]) == ("u", "auto", 1.0)


@pytest.mark.parametrize(("reason", "why"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
async def test_an_answer_that_is_cut_is_incomplete(reason: llm.FinishReason, why: str) -> None:
    model = scripted.language_model(writing(llm.TextDelta(text="Once upon"), reason=reason))
    async with desk(llm=model) as at:
        whole = checked_response((await at.http.post("/v1/responses", json={"input": "Hi"})).json())
        streamed = checked_events((await at.http.post("/v1/responses", json={"input": "Hi", "stream": True})).text)
    assert streamed[-1]["type"] == "response.incomplete"
    for response in (whole, streamed[-1]["response"]):
        assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": why})
        assert response["output"][0]["status"] == "incomplete"


async def test_items_of_every_kind_reach_the_model_as_messages() -> None:
    async with desk() as at:
        await at.sdk.responses.create(
            input=[
                {"role": "developer", "content": "Be kind."},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What time?"}]},
                {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
                {"role": "assistant", "content": "One moment."},
                {"type": "function_call", "call_id": "c1", "name": "clock", "arguments": "{}", "id": "fc_1"},
                {"type": "function_call", "call_id": "c2", "name": "clock", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "noon"},
                {
                    "type": "function_call_output",
                    "call_id": "c2",
                    "output": [{"type": "input_text", "text": "mid"}, {"type": "input_text", "text": "night"}],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "Which?"},
                        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
                    ],
                },
            ]
        )
        assert at.got == [
            "developer: Be kind.",
            "user: What time?",
            "assistant: One moment. + [c1 clock] + [c2 clock]",
            "tool: [c1: noon]",
            "tool: [c2: midnight]",
            "user: Which? + [Image]",
        ]


async def test_instructions_are_not_inherited() -> None:
    async with desk() as at:
        first = await at.sdk.responses.create(input="Hi", instructions="Be brief.")
        second = await at.sdk.responses.create(input="And?", previous_response_id=first.id)
        assert at.got == ["user: Hi", f"assistant: {SAID}", "user: And?"]
        assert (second.instructions, second.previous_response_id) == (None, first.id)


async def test_tool_results_follow_the_response_that_called() -> None:
    async with desk(llm=talkative()) as at:
        first = await at.sdk.responses.create(input="Time?", tools=[CLOCK])  # type: ignore[list-item]
        calls = [item.call_id for item in first.output if item.type == "function_call"]
        await at.sdk.responses.create(
            previous_response_id=first.id,
            input=[{"type": "function_call_output", "call_id": call_id, "output": "noon"} for call_id in calls],
        )
        assert at.got == [
            "user: Time?",
            "assistant: Let me look. + [c1 clock] + [c2 clock]",
            "tool: [c1: noon]",
            "tool: [c2: noon]",
        ]


async def test_a_response_may_be_asked_for_again_without_input() -> None:
    async with desk() as at:
        first = await at.sdk.responses.create(input="Hi")
        await at.sdk.responses.create(previous_response_id=first.id)
        assert at.got == ["user: Hi", f"assistant: {SAID}"]
