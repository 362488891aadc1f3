"""Whatever a client sends by mistake or malice is refused in OpenAI's words, both ways, and leaves nothing behind."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from adapters import scripted
from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.chat_client import ROUTE, SPOKEN, asked, completion, recording, user
from tests.support.http_client import JSON, Bench, benched, raw, refused
from tests.support.recordings import noise
from tests.support.server import EMBEDDED, gateway_of, scripted_engines, served, until
from tests.support.upstream_server import UpstreamServer, replies

pytestmark = pytest.mark.asyncio(loop_scope="module")

Case = tuple[dict[str, Any], str | None, str | None, str]
"""What is sent; then the error's param, its code, and a piece of its message."""

RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "noon"}


def levels(count: int) -> bytes:
    return b'{"model": "m", "messages": ' + b"[" * count + b"]" * count + b"}"


ON_BOTH_WAYS: dict[str, Case] = {
    "no JSON": (raw(b"{'a': 1}", JSON), None, None, "could not parse the JSON"),
    "no object": (raw(b"[1]", JSON), None, None, "Expected an object"),
    "a thousand levels": (raw(levels(1000), JSON), None, None, "could not parse the JSON"),
    "a million levels": (raw(levels(1_000_000), JSON), None, None, "could not parse the JSON"),
    "no body": ({}, "model", "missing_required_parameter", "'model'"),
    "no model": ({"json": {"messages": [user()]}}, "model", "missing_required_parameter", "'model'"),
    "no messages": ({"json": {"model": "m"}}, "messages", "missing_required_parameter", "'messages'"),
    "messages null": ({"json": {"model": "m", "messages": None}}, "messages", "missing_required_parameter", "'messag"),
    "empty messages": ({"json": {"model": "m", "messages": []}}, "messages", "empty_array", "empty array"),
    "messages a text": (asked(messages="hi"), "messages", "invalid_type", "expected an array, but got a string"),
    "message a text": (asked("hi"), "messages[0]", "invalid_type", "expected an object, but got a string"),
    "model a number": (asked(model=7), "model", "invalid_type", "expected a string, but got an integer"),
    "stream a text": (asked(stream="yes"), "stream", "invalid_type", "expected a boolean, but got a string"),
    "unknown role": (asked({"role": "god"}), "messages[0].role", "invalid_value", "Supported values are: 'system'"),
    "a result without a call": (asked(user(), RESULT), "messages[1].role", "invalid_value", "preceding message"),
    "two answers": (asked(n=2), "n", "integer_above_max_value", "<= 1, but got 2"),
    "stream_options alone": (
        asked(stream_options={"include_usage": True}),
        "stream_options",
        "invalid_value",
        "only allowed when 'stream'",
    ),
    "audio alone": (asked(modalities=["audio"]), "modalities", "invalid_value", "['text', 'audio']"),
    "smell": (asked(modalities=["smell"]), "modalities[0]", "invalid_value", "'smell'"),
    # audio takes the way through a turn on every route
    "no audio": (asked(modalities=["text", "audio"]), "audio", "missing_required_parameter", "'audio'"),
    "no voice": (
        asked(modalities=["text", "audio"], audio={"format": "wav"}),
        "audio.voice",
        "missing_required_parameter",
        "'audio.voice'",
    ),
    "no such voice": (
        asked(modalities=["text", "audio"], audio={"voice": "darth", "format": "wav"}),
        "audio.voice",
        "invalid_value",
        "'darth'",
    ),
    "no such format": (
        asked(modalities=["text", "audio"], audio={"voice": "alloy", "format": "midi"}),
        "audio.format",
        "invalid_value",
        "'midi'",
    ),
    "a format that a stream cannot have": (
        asked(stream=True, modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}),
        "audio.format",
        "unsupported_value",
        "'audio.format' does not support 'wav' when stream=true. Supported values are: 'pcm16'.",
    ),
    "an id that expired": (
        asked(user(), {"role": "assistant", "audio": {"id": "audio_gone"}}, user()),
        "messages[1].audio.id",
        "invalid_value",
        "'audio_gone' not found",
    ),
    "broken base64": (
        asked(user([{"type": "input_audio", "input_audio": {"data": "%%%", "format": "wav"}}])),
        "messages[0].content[0].input_audio.data",
        "invalid_value",
        "base64",
    ),
    "no audio in it": (asked(user([recording(b"What?")])), "messages", None, "Invalid file format"),
    "an empty recording": (asked(user([recording(b"")])), "messages", "invalid_value", "empty"),
    "nobody speaks": (asked(user([recording(noise())])), "messages", "no_speech", "No speech"),
    "a recording of the assistant": (
        asked({"role": "assistant", "content": [recording()]}),
        "messages",
        "invalid_value",
        "'assistant' holds text only",
    ),
    "logprobs of speech": (asked(logprobs=True, **SPOKEN), "logprobs", "unsupported_value", "'logprobs'"),
}

THROUGH_A_TURN: dict[str, Case] = {
    "content a number": (asked(user(7)), "messages[0].content", "invalid_type", "got an integer"),
    "unknown part": (
        asked(user([{"type": "hologram"}])),
        "messages[0].content[0].type",
        "invalid_value",
        "'hologram'",
    ),
    "hot": (asked(temperature=3), "temperature", "decimal_above_max_value", "<= 2.0, but got 3"),
    "five stops": (asked(stop=list("abcde")), "stop", "array_above_max_length", "maximum length 4"),
    "no tokens": (asked(max_completion_tokens=0), "max_completion_tokens", "integer_below_min_value", ">= 1"),
    "effort": (asked(reasoning_effort="heroic"), "reasoning_effort", "invalid_value", "'heroic'"),
    "logprobs": (asked(logprobs=True), "logprobs", "unsupported_value", "'logprobs'"),
    "custom tools": (asked(tools=[{"type": "custom"}]), "tools[0].type", "unsupported_value", "'custom'"),
    "a choice of no tools": (asked(tool_choice="required"), "tool_choice", "invalid_value", "when 'tools'"),
    "JSON that cannot be promised": (
        asked(response_format={"type": "json_object"}),
        "response_format",
        "unsupported_value",
        "JSON",
    ),
    "no such form": (asked(response_format={"type": "xml"}), "response_format.type", "invalid_value", "'xml'"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncGenerator[Bench, None]:
    flags = ("--vad", "energy", "--tts", "espeak")
    async with benched(build_with_scripts(*flags)) as bench:
        yield bench


def build_with_scripts(*flags: str) -> Any:
    """A gateway with real ears for silence and real voices; its model is scripted and promises nothing."""
    real = build(load(flags, {})).routes[0].engines
    voices = scripted.synthesiser()
    voices.info = real.tts.info
    voices.check = real.tts.check  # type: ignore[method-assign]
    return gateway_of(scripted_engines(vad=real.vad, tts=voices), *flags)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passing() -> AsyncGenerator[tuple[httpx.AsyncClient, UpstreamServer], None]:
    """A gateway in front of a server of the same protocol, which must not be asked."""
    async with UpstreamServer() as server:
        flags = ("--llm_backend", "chat-completions", "--responses_api_base_url", server.base_url, "--vad", "energy")
        gateway = build(load((*EMBEDDED, *flags, "--model_name", "m"), {}))
        async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
            yield client, server


@pytest.mark.parametrize("name", [*ON_BOTH_WAYS, *THROUGH_A_TURN])
async def test_refused(bench: Bench, name: str) -> None:
    sent, param, code, words = (ON_BOTH_WAYS | THROUGH_A_TURN)[name]
    error = refused(await bench.client.post(ROUTE, **sent), 400)
    assert (error["param"], error["code"]) == (param, code)
    assert words in error["message"]
    assert error["type"] == "invalid_request_error"
    assert len(error["message"]) < 500
    await until(bench.at_rest)


@pytest.mark.parametrize("name", ON_BOTH_WAYS)
async def test_refused_in_the_same_words_before_it_is_passed_on(
    passing: tuple[httpx.AsyncClient, UpstreamServer], name: str
) -> None:
    client, server = passing
    sent, param, code, words = ON_BOTH_WAYS[name]
    error = refused(await client.post(ROUTE, **sent), 400)
    assert (error["param"], error["code"]) == (param, code)
    assert words in error["message"]
    assert not any("messages" in exchange.body.decode() for exchange in server.exchanges)


async def test_a_body_that_is_too_large_or_no_json(bench: Bench) -> None:
    large = b'{"model": "m", "messages": [{"role": "user", "content": "' + b"x" * (36 * 1024 * 1024) + b'"}]}'
    assert "413" in refused(await bench.client.post(ROUTE, content=large, headers=JSON), 413)["message"]
    form: Any = {"files": {"file": ("q.wav", b"RIFF")}, "data": {"model": "m"}}
    assert "application/json" in refused(await bench.client.post(ROUTE, **form), 415)["message"]
    assert refused(await bench.client.get(ROUTE), 405)["code"] == "method_not_supported"


async def test_a_long_text_below_the_limits_is_answered(bench: Bench) -> None:
    long = [user("x" * 1_000_000)] * 30
    assert completion(await bench.client.post(ROUTE, **asked(*long))).choices[0].finish_reason == "stop"
    refusal = refused(await bench.client.post(ROUTE, **asked(user("x" * 1_000_001))), 400)
    assert (refusal["param"], refusal["code"]) == ("messages[0].content", "string_above_max_length")


async def test_null_is_absent_and_what_is_not_known_is_named(bench: Bench) -> None:
    nothing = dict.fromkeys(("stream", "stream_options", "modalities", "audio", "n", "tools", "tool_choice", "stop"))
    response = await bench.client.post(
        ROUTE, **asked(**nothing, logit_bias={"1": 2}, user="me", metadata=None, store=True)
    )
    completion(response)
    assert response.headers["x-ignored-parameters"] == "logit_bias, metadata, user, store"


async def test_what_a_server_of_the_other_protocol_refuses_is_named_as_here() -> None:
    error = {"message": "No.", "type": "invalid_request_error", "param": "text.format", "code": "unsupported_value"}
    async with UpstreamServer(replies(400, {"error": error})) as server:
        flags = ("--llm_backend", "responses-api", "--responses_api_base_url", server.base_url, "--model_name", "m")
        gateway = build(load((*EMBEDDED, *flags), {}))
        async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
            assert (
                refused(await client.post(ROUTE, **asked(response_format={"type": "json_object"})), 400)["param"]
                == "response_format"
            )
