"""Servers behind the gateway that break in every way, over real sockets: that turn fails, and the next one works."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import msgspec
import pytest

from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.chat_chunks import USAGE, delta
from tests.support.http_client import ROUTE, form
from tests.support.metrics import Scrape, scrape
from tests.support.server import served, until
from tests.support.upstream_server import Exchange, Script, UpstreamServer, in_order, replies, sse, streams

pytestmark = pytest.mark.timeout(60)

FLAGS = (
    *("--llm_backend", "chat-completions", "--model_name", "m", "--stt", "openai", "--tts", "openai"),
    *("--responses_api_api_key", "", "--stt_api_key", "", "--tts_api_key", ""),
    *("--responses_api_first_token_timeout", "0.5", "--responses_api_gap_timeout", "0.5"),
    *("--tts_first_token_timeout", "0.5", "--tts_gap_timeout", "0.5", "--stt_deadline", "2"),
    *("--responses_api_max_retries", "1", "--stt_max_retries", "1", "--tts_max_retries", "1"),
)

STAGES = {"stt": "/v1/audio/transcriptions", "llm": "/v1/chat/completions", "tts": "/v1/audio/speech"}
"""Where each stage asks its server."""

TONE = struct.pack("<100h", *([9_000, -9_000] * 50)) * 120
BROKEN = replies(500, {"error": {"message": "sorry"}})

GOOD: dict[str, Script] = {
    "stt": replies(200, {"text": "what did you say", "language": "english", "duration": 1.0, "segments": []}),
    "llm": streams(delta(content="Hello there."), delta("stop"), {"choices": [], "usage": USAGE}, "[DONE]"),
    "tts": replies(200, TONE, "audio/pcm"),
}


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A request, and the stage of it that breaks."""

    stage: str
    path: str
    sent: dict[str, Any]


WAYS = {
    "model of a voice turn": Way(stage="llm", path=ROUTE, sent=form()),
    "voice of a voice turn": Way(stage="tts", path=ROUTE, sent=form()),
    "transcription": Way(stage="stt", path="/v1/audio/transcriptions", sent=form(fields={"model": "m"})),
    "speech": Way(
        stage="tts", path="/v1/audio/speech", sent={"json": {"model": "m", "input": "Hello.", "voice": "alloy"}}
    ),
    "chat, passed on": Way(
        stage="llm",
        path="/v1/chat/completions",
        sent={"json": {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}},
    ),
    "responses": Way(stage="llm", path="/v1/responses", sent={"json": {"model": "m", "input": "hi"}}),
}


async def resets(exchange: Exchange) -> None:
    exchange.cut()


async def stalls(exchange: Exchange) -> None:
    await exchange.until_left()


async def garbage(exchange: Exchange) -> None:
    await exchange.start(content_type="text/html")
    await exchange.send(b"\x00\xff\xfe<html>" * 100 + b"\x01")
    await exchange.finish()


def no_http(_exchange: Exchange) -> Awaitable[None]:
    return _exchange.garbage(b"\x16\x03\x01 not HTTP at all\r\n\r\n")


BEFORE: dict[str, tuple[Script, set[int]]] = {
    "resets": (resets, {502, 503}),
    "stalls": (stalls, {504}),
    "garbage": (garbage, {502}),
    "not http": (no_http, {502, 503}),
    "429": (replies(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}), {429, 503}),
    "500": (BROKEN, {502, 503}),
}
"""What a server does before its first content, and what the client is told."""


class Behind:
    """A gateway whose three engines are behind one server, which does at one stage what a test says."""

    def __init__(self, client: httpx.AsyncClient, upstream: UpstreamServer) -> None:
        self.client = client
        self.upstream = upstream
        self.scripts = dict(GOOD)
        upstream.script = self._answer

    async def _answer(self, exchange: Exchange) -> None:
        stage = next((stage for stage, path in STAGES.items() if path == exchange.path), None)
        await (replies(404, {}) if stage is None else self.scripts[stage])(exchange)

    async def ask(self, way: Way) -> httpx.Response:
        return await self.client.post(way.path, **way.sent)

    async def recovers(self, way: Way) -> Scrape:
        """The next turn works, and nothing is left of the one before; what the metrics say then."""
        self.scripts = dict(GOOD)
        answer = await self.ask(way)
        assert answer.status_code == 200, answer.text
        await until(lambda: self.upstream.open_streams == 0)
        seen = await scrape(self.client)
        assert seen.value("turns_in_flight") == seen.value("engine_running") == seen.value("engine_coming") == 0
        return seen


@asynccontextmanager
async def behind(*flags: str) -> AsyncGenerator[Behind, None]:
    async with UpstreamServer() as upstream, asked(upstream.base_url, *flags) as client:
        yield Behind(client, upstream)


@asynccontextmanager
async def asked(base_url: str, *flags: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of a gateway whose three engines are at ``base_url``."""
    where = [f"--{name}_base_url={base_url}" for name in ("responses_api", "stt", "tts")]
    async with (
        served(build(load([*FLAGS, *where, *flags], {}))) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        yield client


@pytest.mark.parametrize("fault", BEFORE)
@pytest.mark.parametrize("kind", WAYS)
async def test_a_server_that_fails_before_its_answer(kind: str, fault: str) -> None:
    way, (script, statuses) = WAYS[kind], BEFORE[fault]
    async with behind() as gateway:
        gateway.scripts[way.stage] = script
        answer = await gateway.ask(way)
        assert answer.status_code in statuses, answer.text
        assert answer.json()["error"]["message"]
        seen = await gateway.recovers(way)
    assert seen.value("turns_total", outcome="failed") == 1
    assert seen.value("turns_total", outcome="completed") == 1
    assert seen.value("turn_errors_total") == 1


async def words(exchange: Exchange) -> None:
    await exchange.start()
    await exchange.events(delta(content="Hello there. How are "))


async def sound(exchange: Exchange) -> None:
    await exchange.start(content_type="audio/pcm")
    await exchange.send(TONE)


BEGINNINGS: dict[str, Script] = {"llm": words, "tts": sound}


def then_resets(stage: str) -> Script:
    async def script(exchange: Exchange) -> None:
        await BEGINNINGS[stage](exchange)
        await asyncio.sleep(0.05)
        exchange.cut()

    return script


def then_stalls(stage: str) -> Script:
    async def script(exchange: Exchange) -> None:
        await BEGINNINGS[stage](exchange)
        await exchange.until_left()

    return script


def then_garbage(stage: str) -> Script:
    async def script(exchange: Exchange) -> None:
        await BEGINNINGS[stage](exchange)
        await exchange.garbage(b"\xff\xff not a chunk\r\n" * 50)

    return script


IN_THE_MIDDLE = {"resets": then_resets, "stalls": then_stalls, "garbage": then_garbage}
STREAMED = [kind for kind, way in WAYS.items() if way.stage in BEGINNINGS]


@pytest.mark.parametrize("fault", IN_THE_MIDDLE)
@pytest.mark.parametrize("kind", STREAMED)
async def test_a_server_that_fails_in_the_middle(kind: str, fault: str) -> None:
    """What has begun cannot be told a status: the sound or the stream is cut, or ends with an error."""
    way = WAYS[kind]
    async with behind() as gateway:
        gateway.scripts[way.stage] = IN_THE_MIDDLE[fault](way.stage)
        try:
            answer = await gateway.ask(way)
        except httpx.RemoteProtocolError:
            pass  # half a file, which does not look like a whole one
        else:
            assert answer.status_code >= 500 or '"error"' in answer.text, answer.text
        seen = await gateway.recovers(way)
    assert seen.value("turns_total", outcome="failed") == 1
    assert seen.value("turns_total", outcome="completed") == 1


ENDLESS: dict[str, tuple[str, bytes]] = {
    "stt": ("application/json", b'{"text": "' + b"hear " * 10_000),
    "llm": ("text/event-stream", sse(delta(content="And so on. ")) * 50),
    "tts": ("audio/pcm", TONE),
}


@pytest.mark.parametrize("kind", WAYS)
async def test_a_server_that_sends_for_ever(kind: str) -> None:
    way = WAYS[kind]

    async def script(exchange: Exchange) -> None:
        content_type, piece = ENDLESS[way.stage]
        await exchange.start(content_type=content_type)
        while True:
            await exchange.send(piece)

    # A response may end where its text is too long; a voice turn could say all of that within its time.
    longest = () if kind == "responses" else ("--max_answer_characters", "1000000000")
    async with behind("--max_turn_seconds", "3", *longest) as gateway:
        gateway.scripts[way.stage] = script
        with suppress(httpx.RemoteProtocolError):  # half a file, as above
            answer = await gateway.ask(way)
            if kind == "responses":
                assert answer.json()["status"] == "incomplete", "it has the longest text that an answer may have"
            else:
                assert answer.status_code >= 500 or '"error"' in answer.text, answer.text[-300:]
        await until(lambda: gateway.upstream.open_streams == 0)
        seen = await gateway.recovers(way)
    assert seen.value("turns_total", outcome="failed") == (kind != "responses")
    assert seen.value("turns_total") == 2


@pytest.mark.parametrize("failure", [429, 500])
@pytest.mark.parametrize("kind", WAYS)
async def test_a_server_that_recovers_is_asked_again(kind: str, failure: int) -> None:
    way = WAYS[kind]
    async with behind() as gateway:
        gateway.scripts[way.stage] = in_order([replies(failure, {"error": {"message": "no"}}), GOOD[way.stage]])
        answer = await gateway.ask(way)
        assert answer.status_code == 200, answer.text
        seen = await scrape(gateway.client)
    assert seen.value("upstream_retries_total", stage=way.stage) == seen.value("upstream_retries_total") == 1
    assert seen.value("turns_total", outcome="completed") == seen.value("turns_total") == 1


@pytest.mark.parametrize("kind", ["transcription", "speech", "chat, passed on"])
async def test_a_server_that_stays_broken_is_left_alone_until_it_is_back(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.upstream.breaker._OPEN_SECONDS", 0.5)
    way = WAYS[kind]
    async with behind() as gateway:
        gateway.scripts[way.stage] = BROKEN
        while not (await scrape(gateway.client)).value("circuits_open", stage=way.stage):
            assert (await gateway.ask(way)).status_code >= 500
        asked = len(gateway.upstream.exchanges)
        refused = await gateway.ask(way)
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
        assert len(gateway.upstream.exchanges) == asked, "the circuit is open"
        await asyncio.sleep(0.6)
        seen = await gateway.recovers(way)
    assert seen.value("circuits_open") == 0


async def test_a_server_that_refuses_connections_until_it_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    way = WAYS["model of a voice turn"]
    async with asked(f"http://127.0.0.1:{port}/v1") as client:
        answer = await client.post(way.path, **way.sent)
        assert answer.status_code == 503, answer.text
        async with UpstreamServer(port=port) as upstream:
            seen = await Behind(client, upstream).recovers(way)
    assert seen.value("turns_total", outcome="failed") == seen.value("turns_total", outcome="completed") == 1
