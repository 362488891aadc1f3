"""The unmodified OpenAI SDK as client, sync and async, in the call forms that people write."""

import asyncio
import base64
import io
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar
from urllib.parse import unquote

import openai
import pytest
import soundfile
from openai import AsyncOpenAI, AsyncStream, BaseModel, OpenAI, Stream

from adapters import scripted
from adapters.contract import llm
from tests.support.server import QUESTION, gateway_of, question, scripted_engines, served

T = TypeVar("T")

PATH = "/audio/speech-to-speech"
FORM: Any = {"headers": {"Content-Type": "multipart/form-data"}}
FILE = {"file": ("q.wav", question(), "audio/wav")}


class Event(BaseModel):
    """An event as an application would declare it."""

    type: str
    audio: str | None = None
    text: str | None = None
    delta: str | None = None
    name: str | None = None
    arguments: str | None = None
    usage: dict[str, int] | None = None


async def sync(function: Callable[[], T]) -> T:
    """The sync SDK blocks: it runs in a thread, beside the server's event loop."""
    return await asyncio.to_thread(function)


@pytest.fixture
async def url() -> AsyncGenerator[str, None]:
    async with served(gateway_of(scripted_engines())) as address:
        yield f"{address}/v1"


async def test_a_whole_file(url: str) -> None:
    def ask() -> openai.HttpxBinaryResponseContent:
        with OpenAI(base_url=url, api_key="sk-local") as client:
            return client.post(
                PATH,
                cast_to=openai.HttpxBinaryResponseContent,
                body={"model": "s2s", "voice": "alloy", "response_format": "wav"},
                files=FILE,
                options=FORM,
            )

    answer = await sync(ask)
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert rate == 24_000
    assert abs(samples).max() > 0.1
    assert unquote(answer.response.headers["x-transcript"]) == "what did you say"
    assert answer.response.headers["x-request-id"].startswith("req_")
    assert answer.response.headers["content-type"] == "audio/wav"


async def test_typed_events(url: str) -> None:
    def ask() -> list[Event]:
        with (
            OpenAI(base_url=url, api_key="sk-local") as client,
            client.post(
                PATH,
                cast_to=Event,
                stream=True,
                stream_cls=Stream[Event],
                body={"model": "s2s", "voice": {"id": "alloy"}, "stream_format": "sse"},
                files=FILE,
                options=FORM,
            ) as events,
        ):
            return list(events)

    events = await sync(ask)
    assert "".join(e.delta or "" for e in events if e.type == "transcript.text.delta") == "what did you say"
    assert "".join(e.delta or "" for e in events if e.type == "speech.text.delta") == "Hello there. How are you?"
    audio = b"".join(base64.b64decode(e.audio or "") for e in events if e.type == "speech.audio.delta")
    assert soundfile.read(io.BytesIO(audio))[1] == 24_000
    assert events[-1].type == "speech.audio.done"
    assert events[-1].usage == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


async def test_raw_bytes_as_they_come() -> None:
    release = asyncio.Event()

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="The first sentence is here. ")
        await release.wait()
        yield llm.TextDelta(text="And the second.")
        yield llm.Finished(reason="stop", usage=None)

    async with served(gateway_of(scripted_engines(llm=scripted.language_model(script)))) as address:
        async with AsyncOpenAI(base_url=f"{address}/v1", api_key="sk-local") as client:
            stream: AsyncStream[object] = await client.post(
                PATH,
                cast_to=object,
                stream=True,
                stream_cls=AsyncStream[object],
                body={"model": "s2s", "response_format": "pcm"},
                files=FILE,
                options=FORM,
            )
            async with stream:
                async for chunk in stream.response.aiter_bytes():
                    assert len(chunk) % 2 == 0
                    release.set()
    assert release.is_set()


async def test_raw_bytes_by_the_sync_client(url: str) -> None:
    def ask() -> bytes:
        with (
            OpenAI(base_url=url, api_key="sk-local") as client,
            client.post(
                PATH,
                cast_to=object,
                stream=True,
                stream_cls=Stream[object],
                body={"model": "s2s", "response_format": "pcm"},
                files=FILE,
                options=FORM,
            ) as stream,
        ):
            return b"".join(stream.response.iter_bytes())

    # Twelve chunks of 40 ms, and the pause between two sentences.
    assert len(await sync(ask)) == pytest.approx((12 * 40 + 300) * 48, abs=96)


async def test_a_path_as_file_and_json_with_base64(url: str) -> None:
    async with AsyncOpenAI(base_url=url, api_key="sk-local") as client:
        from_path = await client.post(
            PATH, cast_to=openai.HttpxBinaryResponseContent, body={}, files={"file": QUESTION}, options=FORM
        )
        recording = {"data": base64.b64encode(question()).decode(), "format": "wav"}
        from_json = await client.post(
            PATH, cast_to=openai.HttpxBinaryResponseContent, body={"model": "s2s", "input_audio": recording}
        )
    assert from_path.content[:4] == from_json.content[:4] == b"RIFF"


async def test_tools_in_a_form_call_a_function() -> None:
    async def script(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        assert [tool.name for tool in request.tools] == ["look"]
        yield llm.ToolCallStarted(call_id="call_1", name="look")
        yield llm.ToolCallDelta(call_id="call_1", arguments='{"at": "sky"}')
        yield llm.ToolCallFinished(call_id="call_1", name="look", arguments='{"at": "sky"}')
        yield llm.Finished(reason="tool_calls", usage=None)

    tools = '[{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}]'
    async with served(gateway_of(scripted_engines(llm=scripted.language_model(script)))) as address:
        async with AsyncOpenAI(base_url=f"{address}/v1", api_key="sk-local") as client:
            stream: AsyncStream[Event] = await client.post(
                PATH,
                cast_to=Event,
                stream=True,
                stream_cls=AsyncStream[Event],
                body={"tools": tools, "stream_format": "sse"},
                files=FILE,
                options=FORM,
            )
            events = [event async for event in stream]
    (call,) = [event for event in events if event.type == "speech.function_call.done"]
    assert (call.name, call.arguments) == ("look", '{"at": "sky"}')
    assert "speech.audio.delta" not in [event.type for event in events]


async def test_refusals_are_the_sdk_s_own_exceptions(url: str) -> None:
    async with AsyncOpenAI(base_url=url, api_key="sk-local", max_retries=0) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.post(PATH, cast_to=object, body={"voice": "nobody"}, files=FILE, options=FORM)
        assert refused.value.param == "voice"
        assert refused.value.code == "invalid_value"
        assert refused.value.request_id is not None
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("nothing/like-it")


async def test_an_error_in_the_stream_is_raised() -> None:
    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="It begins well. ")
        raise ConnectionError("what nobody should read")

    async with served(gateway_of(scripted_engines(llm=scripted.language_model(script)))) as address:
        async with AsyncOpenAI(base_url=f"{address}/v1", api_key="sk-local") as client:
            stream: AsyncStream[Event] = await client.post(
                PATH,
                cast_to=Event,
                stream=True,
                stream_cls=AsyncStream[Event],
                body={"stream_format": "sse"},
                files=FILE,
                options=FORM,
            )
            with pytest.raises(openai.APIError) as failed:
                async for _ in stream:
                    pass
    assert "nobody should read" not in str(failed.value)


async def test_models_are_listed_and_described(url: str) -> None:
    async with AsyncOpenAI(base_url=url, api_key="sk-local") as client:
        names = [model.id async for model in client.models.list()]
        assert names == ["echo", "s2s"]
        assert (await client.models.retrieve("s2s")).object == "model"
