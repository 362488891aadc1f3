"""Both ways to an answer over real sockets: passed on to a server of the same API, or through a turn of the gateway."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from adapters import scripted
from adapters.contract import llm
from gateway.engines.build import build
from gateway.engines.route import Engines
from gateway.settings.load import load
from tests.models.training_data import CAPITAL, SYSTEM, answer_to
from tests.support.chat_chunks import delta
from tests.support.chat_client import ROUTE, SPOKEN, asked, chunks, completion, recording, user
from tests.support.response_events import end, event
from tests.support.server import gateway_of, scripted_engines, served
from tests.support.upstream_server import Exchange, UpstreamServer, replies, sse, streams

STREAMS = Path(__file__).parents[3] / "fixtures" / "providers"
WHOLE = {
    "id": "up-1",
    "object": "chat.completion",
    "created": 1,
    "model": "upstream-model",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Noon.", "reasoning_content": "Let me see."},
            "logprobs": {"content": [{"token": "Noon", "logprob": -0.1, "bytes": None, "top_logprobs": []}]},
            "finish_reason": "stop",
            "of its own": [1.0, {}],
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


@asynccontextmanager
async def serving(*flags: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of a gateway with the model that ``flags`` say; its ears and voice are scripted."""
    model = build(load(flags, {})).routes[0].engines.llm
    async with (
        served(gateway_of(scripted_engines(llm=model), *flags)) as address,
        httpx.AsyncClient(base_url=address, timeout=60) as client,
    ):
        yield client


def backend(server: UpstreamServer, name: str = "chat-completions") -> tuple[str, ...]:
    return ("--llm_backend", name, "--responses_api_base_url", server.base_url, "--model_name", "upstream-model")


def bodies(server: UpstreamServer) -> list[dict[str, Any]]:
    """What the server was asked for, without the question at the start whether it is there."""
    return [json.loads(exchange.body) for exchange in server.exchanges if exchange.body]


async def test_a_text_goes_to_a_server_of_the_same_api_as_it_is_and_comes_back_as_it_is() -> None:
    document = json.dumps(WHOLE, indent=2).encode()
    asking = asked(
        {"role": "assistant", "content": ""},
        user([{"type": "text", "text": "a", "of its own": 1}]),
        logprobs=True,
        temperature=None,
        verbosity="low",
        store=True,
    )
    async with UpstreamServer(replies(200, document)) as server, serving(*backend(server)) as client:
        response = await client.post(ROUTE, **asking)
        assert response.content == document
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-ignored-parameters"] == "store"
        (sent,) = bodies(server)
    assert sent.pop("store") is False
    assert sent.pop("model") == "upstream-model"
    expected = asking["json"]
    assert {name: value for name, value in sent.items() if value is not None} == {
        name: value for name, value in expected.items() if name not in {"model", "store"} and value is not None
    }


async def test_a_stream_comes_back_byte_for_byte_but_for_the_usage_that_was_not_asked_for() -> None:
    text = sse('{"id":"x","choices":[{"index":0,"delta":{"content":"A"},"odd": 1e2 }]}')
    last = sse('{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')
    usage = sse('{"id":"x","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}')
    done = sse("[DONE]")

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.send(text + last + usage + done)
        await exchange.finish()

    async with UpstreamServer(script) as server, serving(*backend(server)) as client:
        assert (await client.post(ROUTE, **asked(stream=True))).content == text + last + done
        with_usage = asked(stream=True, stream_options={"include_usage": True})
        response = await client.post(ROUTE, **with_usage)
        assert response.content == text + last + usage + done
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert [sent["stream_options"]["include_usage"] for sent in bodies(server)] == [True, True]


async def seen(client: AsyncOpenAI) -> list[Any]:
    """What the SDK makes of a stream: its chunks, and the failure that it ends with."""
    found: list[Any] = []
    options: Any = {"include_usage": True}
    try:
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True, stream_options=options
        )
        async for chunk in stream:
            found.append(chunk.model_dump(warnings=False))
    except openai.APIError as error:
        found.append((error.message, error.code, error.type))
    return found


async def test_the_sdk_sees_of_every_provider_what_it_sees_without_a_gateway() -> None:
    names = [path.name for path in sorted(STREAMS.glob("*.sse")) if b'"response.' not in path.read_bytes()]
    assert len(names) > 20

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.send((STREAMS / name).read_bytes())
        await exchange.finish()

    async with UpstreamServer(script) as server, serving(*backend(server)) as client:
        known: Any = {"api_key": "sk-local", "max_retries": 0}
        gateway = f"{str(client.base_url).rstrip('/')}/v1"
        async with AsyncOpenAI(base_url=server.base_url, **known) as direct:
            async with AsyncOpenAI(base_url=gateway, **known) as through:
                for name in names:
                    expected, found = await seen(direct), await seen(through)
                    if len(expected) == 1 and isinstance(expected[0], tuple):
                        assert isinstance(found[0], tuple), (
                            name
                        )  # it failed at once: the gateway has a status to say so
                    else:
                        assert found == expected, name


async def test_a_refusal_of_the_server_has_its_status_and_words() -> None:
    refusal = {"error": {"message": "There is no tool 'x'.", "type": "invalid_request_error", "param": "tools"}}
    async with UpstreamServer(replies(400, refusal)) as server, serving(*backend(server)) as client:
        response = await client.post(ROUTE, **asked(stream=True))
        assert response.status_code == 400
        assert "There is no tool 'x'." in response.json()["error"]["message"]


async def test_what_has_audio_takes_the_way_through_a_turn_and_brings_its_own_fields() -> None:
    said = streams(delta(content="It is noon."), delta("stop"), "[DONE]")
    async with UpstreamServer(said) as server, serving(*backend(server)) as client:
        response = await client.post(ROUTE, **asked(top_k=4, store=True, **SPOKEN))
        audio = completion(response).choices[0].message.audio
        assert audio is not None
        assert (audio.transcript, len(audio.data) > 10_000) == ("It is noon.", True)
        assert response.headers["x-ignored-parameters"] == "store"
        earlier = asked({"role": "assistant", "audio": {"id": audio.id}}, user("And now?"), verbosity="low")
        assert completion(await client.post(ROUTE, **earlier)).choices[0].message.content == "It is noon."
        spoken, referred = bodies(server)
    assert (spoken["top_k"], "store" in spoken, "modalities" in spoken) == (4, False, False)
    assert spoken["messages"][0]["role"] == "system"
    assert referred["messages"] == [{"role": "assistant", "content": "It is noon."}, user("And now?")]
    assert (referred["verbosity"], "top_k" in referred) == ("low", False)


async def test_a_server_of_the_other_api_answers_through_a_turn() -> None:
    said = streams(event("output_text.delta", delta='{"a": 1}', item_id="i", output_index=0, content_index=0), end())
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}}
    async with UpstreamServer(said) as server, serving(*backend(server, "responses-api")) as client:
        response = await client.post(ROUTE, **asked(response_format=schema, seed=1, verbosity="low"))
        answer = completion(response)
        assert answer.choices[0].message.content == '{"a": 1}'
        assert response.headers["x-ignored-parameters"] == "verbosity, seed"
        assert answer.usage is not None
        assert answer.usage.total_tokens == 8
        streamed = chunks(await client.post(ROUTE, **asked(stream=True, stream_options={"include_usage": True})))
        assert streamed[-1].usage is not None
        first, _ = bodies(server)
    assert first["text"]["format"]["schema"] == {"type": "object"}
    assert first["store"] is False
    assert first["input"] == [{"type": "message", "role": "user", "content": "What did you say?"}]
    assert "chat_template_kwargs" not in first


async def test_a_model_in_this_process_answers_whole_and_in_chunks(tiny_qwen: Path) -> None:
    pytest.importorskip("torch", reason="needs torch")
    flags = ("--llm_backend", "transformers", "--model_name", str(tiny_qwen), "--llm_device", "cpu")
    messages = [{"role": "system", "content": SYSTEM}, user(CAPITAL)]
    async with serving(*flags) as client:
        response = await client.post(ROUTE, **asked(*messages, reasoning_effort="none", logit_bias={}))
        answer = completion(response)
        assert answer.choices[0].message.content == answer_to(CAPITAL)
        assert answer.usage is not None
        assert answer.usage.completion_tokens > 3
        assert response.headers["x-ignored-parameters"] == "logit_bias"
        streamed = chunks(await client.post(ROUTE, **asked(*messages, reasoning_effort="none", stream=True)))
        text = "".join(choice.delta.content or "" for chunk in streamed for choice in chunk.choices)
        assert text == answer_to(CAPITAL)
        short = completion(await client.post(ROUTE, **asked(*messages, reasoning_effort="none", max_tokens=1)))
        assert short.choices[0].finish_reason == "length"


async def test_without_a_model_the_last_message_is_repeated() -> None:
    async with serving("--llm_backend", "echo") as client:
        answer = completion(await client.post(ROUTE, **asked(user("Polly"), model="gpt-4o")))
        assert (answer.model, answer.choices[0].message.content) == ("gpt-4o", "Polly")
        refusal = await client.post(ROUTE, **asked(tools=[{"type": "function", "function": {"name": "f"}}]))
        assert (refusal.status_code, refusal.json()["error"]["param"]) == (400, "tools")


async def test_a_model_that_listens_gets_the_recording() -> None:
    heard = scripted_engines(stt=None)
    async with served(gateway_of(heard, *("--stt", "none"), *LISTENING)) as address, httpx.AsyncClient() as client:
        completion(await client.post(f"{address}{ROUTE}", **asked(user([recording(b"RIFF")]))))
    model: Any = heard.llm
    assert model.requests[-1].messages[0].parts == (llm.Audio(data=b"RIFF", format="wav"),)


LISTENING = ("--llm_backend", "chat-completions", "--model_name", "m")


async def test_the_reasoning_of_the_settings_holds_for_spoken_answers_only() -> None:
    engines = scripted_engines()
    async with served(gateway_of(engines)) as address, httpx.AsyncClient(base_url=address) as client:
        for fields in ({}, SPOKEN, {**SPOKEN, "reasoning_effort": "high"}):
            completion(await client.post(ROUTE, **asked(**fields)))
    model: Any = engines.llm
    assert [request.reasoning for request in model.requests] == [
        llm.Reasoning(shown=True),
        llm.Reasoning(disabled=True),
        llm.Reasoning(effort="high", disabled=True),
    ]


def speaking(text: str) -> Engines:
    return scripted_engines(llm=scripted.language_model(scripted.answering(text)))


async def test_an_answer_with_nothing_to_say_is_a_short_silence() -> None:
    async with served(gateway_of(speaking("🙂"))) as address, httpx.AsyncClient(base_url=address) as client:
        audio = completion(await client.post(ROUTE, **asked(**SPOKEN))).choices[0].message.audio
        assert audio is not None
        assert (audio.transcript, set(audio.data)) == ("🙂", {"A"})
        streamed = chunks(await client.post(ROUTE, **asked(stream=True, **SPOKEN)))
        assert streamed[-1].choices[0].finish_reason == "stop"


async def test_a_deep_field_that_is_not_known_is_passed_on_or_refused() -> None:
    deep: Any = []
    for _ in range(60):
        deep = [deep]
    async with UpstreamServer(replies(200, WHOLE)) as server, serving(*backend(server)) as client:
        assert (await client.post(ROUTE, **asked(odd=deep))).status_code == 200
        assert bodies(server)[0]["odd"] == deep


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_that_are_to_be_checked_are_read_and_an_invalid_one_is_told(*, stream: bool) -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "look", "arguments": '{"city": 5}'}}
    chunk = sse(json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}))

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.send(chunk + sse("[DONE]"))
        await exchange.finish()

    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "look", "parameters": schema}}]
    async with UpstreamServer(script) as server, serving(*backend(server), "--check_tool_calls") as client:
        response = await client.post(ROUTE, **asked(tools=tools, stream=stream))
        assert response.status_code == 200
        assert '"invalid":"' in response.text
        assert "city" in response.text.split('"invalid":"')[1]


async def test_the_first_answer_of_a_server_of_the_other_api_is_text_at_once_and_not_repeated() -> None:
    item = {"id": "m", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Noon."}]}
    delta = {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0}
    events = (
        {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}},
        {**delta, "delta": "No"},
        {**delta, "delta": "on."},
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [item]}},
    )

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.send(b"".join(sse(json.dumps(event)) for event in events))
        await exchange.finish()

    async with UpstreamServer(script) as server, serving(*backend(server, "responses-api")) as client:
        message = (await client.post(ROUTE, **asked())).json()["choices"][0]["message"]
    assert message["content"] == "Noon."
    assert "reasoning_content" not in message


async def test_the_reasoning_of_a_checked_call_goes_back_to_its_server() -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    calling = streams(delta(reasoning_content="Hm."), delta("tool_calls", tool_calls=[call]), "[DONE]")
    tools = [{"type": "function", "function": {"name": "look"}}]
    async with UpstreamServer(calling) as server, serving(*backend(server), "--check_tool_calls") as client:
        said = completion(await client.post(ROUTE, **asked(tools=tools))).choices[0].message.model_dump()
        result = {"role": "tool", "tool_call_id": "c", "content": "nothing"}
        completion(await client.post(ROUTE, **asked(user(), said, result, tools=tools)))
        assert bodies(server)[-1]["messages"][1]["reasoning_content"] == "Hm."


async def test_a_tool_of_this_api_is_not_strict_at_a_server_of_the_other() -> None:
    said = streams(event("output_text.delta", delta="Hi.", item_id="i", output_index=0, content_index=0), end())
    tools = [{"type": "function", "function": {"name": "look", **strict}} for strict in ({}, {"strict": True})]
    async with UpstreamServer(said) as server, serving(*backend(server, "responses-api")) as client:
        completion(await client.post(ROUTE, **asked(tools=tools)))
        assert [tool["strict"] for tool in bodies(server)[0]["tools"]] == [False, True]


@pytest.mark.parametrize("name", ["chat-completions", "responses-api"])
async def test_an_empty_message_is_not_left_out(name: str) -> None:
    said = event("output_text.delta", delta="Hi.", item_id="i", output_index=0, content_index=0)
    answer = streams(delta("stop", content="Hi."), "[DONE]") if name == "chat-completions" else streams(said, end())
    async with UpstreamServer(answer) as server, serving(*backend(server, name), "--check_tool_calls") as client:
        empty = {"role": "user", "content": ""}
        tools = [{"type": "function", "function": {"name": "look"}}]
        completion(await client.post(ROUTE, **asked(empty, tools=tools)))
        body = bodies(server)[0]
        assert body.get("messages", body.get("input")) in ([empty], [{"type": "message", **empty}])


@pytest.mark.parametrize("flags", [(), ("--check_tool_calls",)])
async def test_metadata_of_what_is_not_stored_is_named_and_not_sent(flags: tuple[str, ...]) -> None:
    tools = [{"type": "function", "function": {"name": "look"}}]
    async with UpstreamServer(replies(200, WHOLE)) as server, serving(*backend(server), *flags) as client:
        response = await client.post(ROUTE, **asked(tools=tools, store=True, metadata={"a": "b"}))
        assert set(response.headers["x-ignored-parameters"].split(", ")) == {"store", "metadata"}
        assert "metadata" not in bodies(server)[0]
