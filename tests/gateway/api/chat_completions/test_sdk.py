"""The unmodified OpenAI SDK asks for chat completions, in the call forms that people write."""

import asyncio
import base64
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import openai
import pytest
import soundfile
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from adapters import scripted
from adapters.contract import llm
from gateway.engines.route import Engines
from tests.support.chat_client import SPOKEN, recording, user
from tests.support.server import gateway_of, scripted_engines, served, until

SPOKEN_SECONDS = 0.78
"""Twelve chunks of 40 ms, and 0.3 s between two sentences."""

USAGE = llm.Usage(input_tokens=5, output_tokens=6, cached_tokens=2, reasoning_tokens=1)
WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


async def model(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    """Calls the first tool twice at once, writes JSON where it has to, and speaks otherwise."""
    if request.tools and request.messages[-1].role == "user":
        for number, city in enumerate(("Ulm", "Rom")):
            call_id, arguments = f"call_{number}", f'{{"city": "{city}"}}'
            yield llm.ToolCallStarted(call_id=call_id, name="weather")
            for piece in (arguments[:5], arguments[5:]):
                yield llm.ToolCallDelta(call_id=call_id, arguments=piece)
            yield llm.ToolCallFinished(call_id=call_id, name="weather", arguments=arguments)
        yield llm.Finished(reason="tool_calls", usage=USAGE)
        return
    yield llm.ReasoningDelta(text="Let me think.")
    if request.json_answer:
        yield llm.TextDelta(text='{"city": "Ulm", "degrees": 21}')
    else:
        yield llm.TextDelta(text="Hello there. ")
        yield llm.TextDelta(text="How are you?")
    yield llm.Finished(reason="stop", usage=USAGE)


def engines(script: scripted.LanguageModelScript = model) -> Engines:
    language_model = scripted.language_model(script)
    language_model.info = llm.Info(images=True, tools=True, json_answers=True)
    return scripted_engines(llm=language_model)


@asynccontextmanager
async def asking(asked: Engines) -> AsyncGenerator[AsyncOpenAI, None]:
    async with served(gateway_of(asked)) as address:
        async with AsyncOpenAI(
            base_url=f"{address}/v1", api_key="sk-local", max_retries=0, _strict_response_validation=True
        ) as client:
            yield client


@pytest.fixture
async def client() -> AsyncGenerator[AsyncOpenAI, None]:
    async with asking(engines()) as client:
        yield client


async def test_a_whole_text(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="gpt-4o", messages=[user()])
    assert answer.id.startswith("chatcmpl-")
    assert answer.model == "gpt-4o"
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("Hello there. How are you?", "stop")
    assert choice.message.model_extra == {"reasoning_content": "Let me think."}
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (5, 6, 11)
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 1
    assert answer._request_id is not None


async def test_a_text_by_the_sync_client(client: AsyncOpenAI) -> None:
    def ask() -> list[str]:
        with OpenAI(base_url=str(client.base_url), api_key="sk-local") as sync_client:
            stream = sync_client.chat.completions.create(model="m", messages=[user()], stream=True)
            return [chunk.choices[0].delta.content or "" for chunk in stream]

    assert "".join(await asyncio.to_thread(ask)) == "Hello there. How are you?"


async def test_the_stream_helper_puts_text_and_usage_together(client: AsyncOpenAI) -> None:
    options: Any = {"include_usage": True}
    async with client.chat.completions.stream(model="m", messages=[user()], stream_options=options) as stream:
        texts = [event.delta async for event in stream if event.type == "content.delta"]
        final = await stream.get_final_completion()
    assert "".join(texts) == "Hello there. How are you?"
    assert final.choices[0].message.content == "Hello there. How are you?"
    assert final.usage is not None
    assert final.usage.total_tokens == 11


async def test_calls_whole_streamed_and_answered(client: AsyncOpenAI) -> None:
    expected = [("call_0", "weather", '{"city": "Ulm"}'), ("call_1", "weather", '{"city": "Rom"}')]
    whole = (await client.chat.completions.create(model="m", messages=[user()], tools=[WEATHER])).choices[0]
    assert (whole.finish_reason, whole.message.content) == ("tool_calls", None)
    async with client.chat.completions.stream(model="m", messages=[user()], tools=[WEATHER]) as stream:
        final = (await stream.get_final_completion()).choices[0]
    for calls in (whole.message.tool_calls, final.message.tool_calls):
        assert [(call.id, call.function.name, call.function.arguments) for call in calls or ()] == expected  # type: ignore[union-attr]
    results: Any = [{"role": "tool", "tool_call_id": f"call_{number}", "content": "21"} for number in range(2)]
    message: Any = whole.message.model_dump(exclude_unset=True)
    after = await client.chat.completions.create(model="m", messages=[user(), message, *results], tools=[WEATHER])
    assert after.choices[0].message.content == "Hello there. How are you?"


class Report(BaseModel):
    """What the answer has to be."""

    city: str
    degrees: int


async def test_an_answer_is_parsed_into_a_type(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.parse(model="m", messages=[user()], response_format=Report)
    assert answer.choices[0].message.parsed == Report(city="Ulm", degrees=21)
    async with client.chat.completions.stream(model="m", messages=[user()], response_format=Report) as stream:
        assert (await stream.get_final_completion()).choices[0].message.parsed == Report(city="Ulm", degrees=21)


async def refusing(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    for text in ("I can't ", "help."):
        yield llm.TextDelta(text=text, refusal=True)
    yield llm.Finished(reason="stop", usage=USAGE)


async def test_a_refusal_is_not_parsed() -> None:
    async with asking(engines(refusing)) as client:
        answer = await client.chat.completions.parse(model="m", messages=[user()], response_format=Report)
        assert (answer.choices[0].message.parsed, answer.choices[0].message.refusal) == (None, "I can't help.")
        async with client.chat.completions.stream(model="m", messages=[user()], response_format=Report) as stream:
            message = (await stream.get_final_completion()).choices[0].message
        assert (message.content, message.parsed, message.refusal) == (None, None, "I can't help.")
        spoken = await client.chat.completions.create(model="m", messages=[user()], **SPOKEN)
        assert spoken.choices[0].message.audio
        assert spoken.choices[0].message.audio.transcript == "I can't help."


@pytest.mark.parametrize("audio_format", ["wav", "aac", "mp3", "flac", "opus", "pcm16"])
async def test_a_spoken_answer_whole(client: AsyncOpenAI, audio_format: Any) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="m",
        messages=[user([recording()])],
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": audio_format},
    )
    message = raw.parse().choices[0].message
    assert message.content is None
    assert message.audio is not None
    assert message.audio.transcript == "Hello there. How are you?"
    assert message.audio.expires_at > raw.parse().created
    assert unquote(raw.headers["x-transcript"]) == "what did you say"
    data = base64.b64decode(message.audio.data, validate=True)
    if audio_format == "pcm16":
        assert len(data) == pytest.approx(SPOKEN_SECONDS * 48_000, rel=0.01)
    elif audio_format != "aac":  # libsndfile does not read it
        samples, rate = soundfile.read(io.BytesIO(data))
        assert rate in {24_000, 48_000}
        assert len(samples) / rate == pytest.approx(SPOKEN_SECONDS, abs=0.1)
    else:
        assert data[0] == 0xFF


async def test_a_spoken_answer_streamed_is_the_same_and_can_be_referred_to() -> None:
    asked: Any = engines()
    async with asking(asked) as client:
        messages: Any = [user([recording(prefix="data:audio/wav;base64,")])]
        whole = (await client.chat.completions.create(model="m", messages=messages, **SPOKEN)).choices[0].message.audio
        async with client.chat.completions.stream(model="m", messages=messages, **SPOKEN) as stream:
            final = (await stream.get_final_completion()).choices[0].message.audio
        assert whole is not None
        assert final is not None
        assert (final.transcript, final.data) == (whole.transcript, whole.data)
        assert final.expires_at - whole.expires_at in range(60)
        earlier: Any = [*messages, {"role": "assistant", "audio": {"id": final.id}}, user("And then?")]
        await client.chat.completions.create(model="m", messages=earlier)
        said = [" ".join(part.text for part in message.parts) for message in asked.llm.requests[-1].messages]
        assert said == ["what did you say", "Hello there. How are you?", "And then?"]
        assert asked.stt.opened == 1  # the recording came three times


async def test_failures_are_the_sdk_s_own_exceptions(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="m", messages=[])
    assert (refused.value.param, refused.value.code) == ("messages", "empty_array")
    assert refused.value.request_id is not None


async def test_an_error_in_the_stream_is_raised() -> None:
    async def failing(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="It begins well. ")
        raise ConnectionError("what nobody should read")

    async with asking(engines(failing)) as client:
        stream = await client.chat.completions.create(model="m", messages=[user()], stream=True)
        with pytest.raises(openai.APIError) as failed:
            async for _ in stream:
                pass
    assert "nobody should read" not in str(failed.value)


@pytest.mark.parametrize("fields", [{"stream": True}, {"stream": True, **SPOKEN}, {}, SPOKEN])
async def test_a_client_that_leaves_frees_every_engine(fields: dict[str, Any]) -> None:
    async def endless(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        while True:
            yield llm.TextDelta(text="One more sentence for you. ")
            await asyncio.sleep(0.01)

    asked: Any = engines(endless)
    async with asking(asked) as client:
        asking_task = asyncio.create_task(_read_some(client, fields))
        await until(lambda: asked.llm.open == 1 and (not fields.get("modalities") or asked.tts.opened))
        asking_task.cancel()
        await until(lambda: (asked.llm.open, asked.tts.open) == (0, 0))


async def _read_some(client: Any, fields: dict[str, Any]) -> None:
    answer = await client.chat.completions.create(model="m", messages=[user()], **fields)
    async for _ in answer:
        pass
