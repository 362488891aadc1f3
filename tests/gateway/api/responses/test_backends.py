"""The Responses API over every kind of backend: echo, a model in this process, and servers of the other protocol."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

from gateway.engines.build import build
from gateway.settings.load import load
from tests.models.training_data import CAPITAL, SYSTEM, THINKING, TOOL, answer_to
from tests.support.http_client import refused
from tests.support.responses_client import CLOCK, checked_events, checked_response, clients
from tests.support.server import EMBEDDED, served, until
from tests.support.upstream_server import Exchange, UpstreamServer, replies, sse, streams

PNG = "data:image/png;base64,iVBORw0KGgo="


@asynccontextmanager
async def backend(*flags: str) -> AsyncGenerator[tuple[httpx.AsyncClient, AsyncOpenAI], None]:
    """Clients of a gateway as ``flags`` describe it."""
    async with served(build(load([*EMBEDDED, *flags], {}))) as address, clients(address) as both:
        yield both


async def streamed(http: httpx.AsyncClient, **body: Any) -> list[dict[str, Any]]:
    answer = await http.post("/v1/responses", json={"stream": True, **body}, timeout=60)
    assert answer.status_code == 200, answer.text
    return checked_events(answer.text)


async def test_echo() -> None:
    async with backend() as (http, sdk):
        response = await sdk.responses.create(input="Say it again, please.", model="gpt-5")
        assert response.output_text == "Say it again, please."
        events = await streamed(http, input="One two")
        assert [event["delta"] for event in events if event["type"] == "response.output_text.delta"] == ["One", " two"]
        refusal = await http.post("/v1/responses", json={"input": "Hi", "tools": [CLOCK]})
        assert refused(refusal, 400)["param"] == "tools"
        answer = await http.post("/v1/responses", json={"input": "Hi", "temperature": 0.5})
        assert answer.headers["x-ignored-parameters"] == "temperature"


async def test_a_model_in_this_process(tiny_qwen: Path) -> None:
    flags = ("--llm_backend", "transformers", "--model_name", str(tiny_qwen), "--llm_device", "cpu")
    async with backend(*flags) as (http, sdk):
        events = await streamed(http, input=CAPITAL, instructions=SYSTEM)
        reasoning, message = events[-1]["response"]["output"]
        assert reasoning["content"][0]["text"].strip() == THINKING
        assert message["content"][0]["text"] == answer_to(CAPITAL)
        assert events[-1]["response"]["usage"]["output_tokens"] > 5
        first = await sdk.responses.create(
            input="turn on the lights",
            instructions=SYSTEM,
            tools=[{"type": "function", "strict": None, **TOOL}],  # type: ignore[list-item]
            timeout=60,
        )
        (call,) = [item for item in first.output if item.type == "function_call"]
        second = await sdk.responses.create(
            previous_response_id=first.id,
            instructions=SYSTEM,
            input=[{"type": "function_call_output", "call_id": call.call_id, "output": "done"}],
            tools=[{"type": "function", "strict": None, **TOOL}],  # type: ignore[list-item]
            timeout=60,
        )
        assert second.output_text == "The lights are on."


def chat_chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "clock", "arguments": '{"zone":'}}
CHAT = (
    chat_chunk(role="assistant", content=""),
    chat_chunk(reasoning_content="They ask."),
    chat_chunk(content="Let me "),
    chat_chunk(content="look."),
    chat_chunk(tool_calls=[CALL]),
    chat_chunk(tool_calls=[{"index": 0, "function": {"arguments": ' "UTC"}'}}]),
    chat_chunk("tool_calls"),
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}},
    "[DONE]",
)


def answering(events: tuple[Any, ...]) -> Callable[[Exchange], Any]:
    """Sends ``events``, or, asked "wait", stops in the middle of them until the client leaves."""

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        for event in events[:3]:
            await exchange.send(sse(event))
        if "wait" in exchange.body.decode():
            await exchange.until_left()
            return
        await exchange.events(*events[3:])
        await exchange.finish()

    return script


@asynccontextmanager
async def upstream(kind: str, server: UpstreamServer) -> AsyncGenerator[tuple[httpx.AsyncClient, AsyncOpenAI], None]:
    flags = ("--llm_backend", kind, "--responses_api_base_url", server.base_url, "--model_name", "m")
    async with backend(*flags) as both:
        yield both


async def test_a_server_of_the_other_protocol() -> None:
    async with UpstreamServer(answering(CHAT)) as server, upstream("chat-completions", server) as (http, sdk):
        events = await streamed(http, input="Time?", tools=[CLOCK])
        response = events[-1]["response"]
        assert [item["type"] for item in response["output"]] == ["reasoning", "message", "function_call"]
        reasoning, message, call = response["output"]
        assert reasoning["content"][0]["text"] == "They ask."
        assert message["content"][0]["text"] == "Let me look."
        assert (call["call_id"], call["arguments"]) == ("call_1", '{"zone": "UTC"}')
        assert (response["usage"]["input_tokens"], response["usage"]["total_tokens"]) == (9, 13)
        whole = (await http.post("/v1/responses", json={"input": "Time?", "tools": [CLOCK]})).json()
        assert [item["type"] for item in checked_response(whole)["output"]] == ["reasoning", "message", "function_call"]
        result = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}
        await sdk.responses.create(previous_response_id=response["id"], input=[result])  # type: ignore[list-item]
        sent = server.exchanges[-1].json
        assert sent["model"] == "m"
        assert "noon" in str(sent)
        assert "Let me look." in str(sent)
        assert "voice assistant" not in str(sent)


async def test_it_is_sent_images_and_the_form_of_the_answer() -> None:
    body = {
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "What?"}, {"type": "input_image", "image_url": PNG}],
            }
        ],
        "text": {"format": {"type": "json_schema", "name": "thing", "schema": {"type": "object"}, "strict": True}},
        "parallel_tool_calls": False,
        "tools": [CLOCK],
    }
    async with UpstreamServer(answering(CHAT)) as server, upstream("chat-completions", server) as (http, _):
        await http.post("/v1/responses", json=body)
        sent = server.exchanges[-1].json
        assert sent["messages"][0]["content"][1]["image_url"]["url"] == PNG
        assert sent["response_format"]["json_schema"] == {"name": "thing", "schema": {"type": "object"}, "strict": True}
        assert sent["parallel_tool_calls"] is False


async def test_who_leaves_or_cancels_closes_the_upstream() -> None:
    async with UpstreamServer(answering(CHAT)) as server, upstream("chat-completions", server) as (http, sdk):
        async with http.stream("POST", "/v1/responses", json={"input": "wait", "stream": True}) as response:
            received = response.aiter_bytes()
            await anext(received)
            name = response.headers["x-response-id"]
            assert server.open_streams == 1
            assert (await sdk.responses.cancel(name)).status == "cancelled"
            assert server.open_streams == 0
        asking = asyncio.create_task(http.post("/v1/responses", json={"input": "wait"}))
        await until(lambda: server.open_streams == 1)
        asking.cancel()
        await until(lambda: server.open_streams == 0)


@pytest.mark.parametrize("kind", ["chat-completions", "responses-api"])
async def test_what_a_server_refuses_has_its_status(kind: str) -> None:
    error = {"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}}
    async with UpstreamServer(replies(404, error)) as server, upstream(kind, server) as (http, _):
        for stream in (False, True):
            answer = await http.post("/v1/responses", json={"input": "Hi", "stream": stream})
            assert refused(answer, 404)["code"] == "model_not_found"


def missing_reasoning(messages: list[dict[str, Any]]) -> bool:
    """Whether a call lacks the reasoning that led to it: DeepSeek and Moonshot refuse that."""
    return any("tool_calls" in message and not message.get("reasoning_content") for message in messages)


async def needing_reasoning(exchange: Exchange) -> None:
    messages = exchange.json["messages"]
    if missing_reasoning(messages):
        await exchange.reply(400, {"error": {"message": "Missing `reasoning_content` field in the assistant message"}})
    elif any(message["role"] == "tool" for message in messages):
        await streams(chat_chunk(content="Noon."), chat_chunk("stop"), "[DONE]")(exchange)
    else:
        await streams(*CHAT)(exchange)


@pytest.mark.parametrize("summary", [None, "auto"])
async def test_a_client_that_sends_back_all_that_it_was_given_sends_the_reasoning_too(summary: str | None) -> None:
    asked: Any = {"model": "m", "tools": [CLOCK], "reasoning": {"summary": summary}}
    async with UpstreamServer(needing_reasoning) as server, upstream("chat-completions", server) as (_, sdk):
        first = await sdk.responses.create(input="Time?", **asked)
        given: list[Any] = [{"role": "user", "content": "Time?"}, *first.output]
        result: Any = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}
        assert (await sdk.responses.create(input=[*given, result], **asked)).output_text == "Noon."
        [said] = [message for message in server.exchanges[-1].json["messages"] if message["role"] == "assistant"]
        assert (said["content"], said["reasoning_content"]) == ("Let me look.", "They ask.")


class Report(BaseModel):
    total: int


async def test_a_refusal_is_no_text_that_an_answer_is_parsed_from() -> None:
    refusing = streams(chat_chunk(refusal="I can't "), chat_chunk(refusal="help."), chat_chunk("stop"), "[DONE]")
    async with UpstreamServer(refusing) as server, upstream("chat-completions", server) as (_, sdk):
        parsed = await sdk.responses.parse(model="m", input="x", text_format=Report)
        assert parsed.output_parsed is None
        async with sdk.responses.stream(model="m", input="x", text_format=Report) as stream:
            kinds = [event.type async for event in stream]
            (message,) = (await stream.get_final_response()).output
        assert kinds.count("response.refusal.delta") == 2
        assert "response.refusal.done" in kinds
        assert message.type == "message"
        assert message.content[0].model_dump() == {"type": "refusal", "refusal": "I can't help."}
        await sdk.responses.create(model="m", input="Why?", previous_response_id=parsed.id)
        assert server.exchanges[-1].json["messages"][1] == {"role": "assistant", "content": "I can't help."}


async def test_tools_that_do_not_say_whether_they_are_strict_are_left_so() -> None:
    async with UpstreamServer(streams(*CHAT)) as server, upstream("chat-completions", server) as (http, _):
        response = (await http.post("/v1/responses", json={"input": "Hi", "tools": [CLOCK]})).json()
        assert response["tools"][0]["strict"] is None
        assert "strict" not in server.exchanges[-1].json["tools"][0]["function"]
