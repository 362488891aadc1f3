"""Limits as clients meet them, over sockets and with the OpenAI SDK: refusals, headers, retries, what is charged."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import pytest
from msgspec import convert, json
from openai import AsyncOpenAI

from adapters import scripted
from adapters.contract import llm
from gateway.access.caller import Caller
from gateway.access.keys import Key, Keyring, digest_in, hash_of
from gateway.access.limits import Limits
from gateway.engines.route import Engines
from tests.support.http_client import ROUTE, form, refused
from tests.support.metrics import Scrape
from tests.support.redis_server import redis_server
from tests.support.server import gateway_of, scripted_engines, served, until

SPEECH = "/v1/audio/speech"
CHAT = "/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "s2s", "messages": [{"role": "user", "content": "Hello?"}]}
SAID = "Hello there. How are you?"


@asynccontextmanager
async def limited(
    engines: Engines | None = None, *flags: str, **limits: float
) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of a gateway whose clients together have ``limits``."""
    gateway = gateway_of(engines or scripted_engines(), "--limits", json.encode(limits).decode(), *flags)
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        yield client


@pytest.mark.parametrize("flags", [(), ("--usage_store",)])
async def test_requests_past_the_limit_are_refused_in_openais_words(flags: tuple[str, ...]) -> None:
    with redis_server() as (url, _):
        stored = [*flags, url] if flags else []
        async with limited(None, *stored, requests_per_minute=2) as client:
            answers = [await client.post(CHAT, json=ASKED) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["1", "0", "0"]
    assert [answer.headers["x-ratelimit-limit-requests"] for answer in answers] == ["2", "2", "2"]
    assert answers[2].headers["x-ratelimit-reset-requests"].endswith("s")
    error = refused(answers[2], 429)
    assert (error["type"], error["code"], error["param"]) == ("rate_limit_error", "rate_limit_exceeded", None)
    assert error["message"].startswith("Rate limit reached for requests per minute of all clients together: limit 2")
    assert 1 <= int(answers[2].headers["retry-after"]) <= 120


async def test_a_request_past_the_limit_is_refused_before_its_body_is_read() -> None:
    async with limited(requests_per_minute=0) as client:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        head = (
            f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n"
        )
        writer.write(head.encode())
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"x-should-retry: false" in answer
        writer.close()
        await writer.wait_closed()
        error = refused(await client.post(CHAT, json=ASKED), 429)
        assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
        assert error["message"].endswith("of all clients together is 0: none are allowed.")


async def test_what_needs_no_engine_has_no_limits() -> None:
    async with limited(requests_per_minute=0) as client:
        for path in ("/health", "/ready", "/v1/models", "/v1/usage"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert "x-ratelimit-limit-requests" not in answer.headers


async def test_tokens_that_are_spent_refuse_what_needs_a_model_and_nothing_else() -> None:
    async with limited(tokens_per_day=3) as client:
        first = await client.post(CHAT, json=ASKED)
        assert (first.status_code, first.headers["x-ratelimit-remaining-tokens"]) == (200, "3")
        refusal = await client.post(CHAT, json=ASKED)
        assert "tokens per day of all clients together: limit 3, used 3" in refused(refusal, 429)["message"]
        assert refusal.headers["x-should-retry"] == "false", "the day is long"
        assert "tokens per day" in refused(await client.post(ROUTE, **form()), 429)["message"]
        assert (await client.post(SPEECH, json={"input": "Hello.", "voice": "hum"})).status_code == 200


async def test_speech_and_audio_have_limits_of_their_own() -> None:
    async with limited(speech_characters_per_day=5) as client:
        assert (await client.post(SPEECH, json={"input": SAID})).status_code == 200
        assert (
            "characters of speech per day" in refused(await client.post(SPEECH, json={"input": SAID}), 429)["message"]
        )
        assert (await client.post(CHAT, json=ASKED)).status_code == 200
    async with limited(audio_seconds_per_day=0.5) as client:
        assert (await client.post("/v1/audio/transcriptions", **form())).status_code == 200
        refusal = refused(await client.post("/v1/audio/transcriptions", **form()), 429)
        assert "seconds of audio per day" in refusal["message"]
        assert "seconds of audio per day" in refused(await client.post(ROUTE, **form()), 429)["message"]


async def test_one_more_turn_at_once_is_refused_and_the_sdk_comes_back_when_it_is_told() -> None:
    release, asked = asyncio.Event(), 0

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        nonlocal asked
        asked += 1
        yield llm.TextDelta(text="Hello.")
        await release.wait()
        yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=1, output_tokens=1))

    async with limited(scripted_engines(llm=scripted.language_model(script)), turns_at_once=1) as client:
        first = asyncio.create_task(client.post(CHAT, json=ASKED))
        await until(lambda: asked == 1)
        address = f"{str(client.base_url).rstrip('/')}/v1"
        async with AsyncOpenAI(base_url=address, api_key="none", max_retries=0) as impatient:
            with pytest.raises(openai.RateLimitError, match="turns at once of all clients together: limit 1") as error:
                await impatient.chat.completions.create(**ASKED)
        assert (error.value.code, error.value.response.headers["retry-after"]) == ("rate_limit_exceeded", "1")
        async with AsyncOpenAI(base_url=address, api_key="none", max_retries=2) as patient:
            again = asyncio.create_task(patient.chat.completions.create(**ASKED))
            await asyncio.sleep(0.1)
            release.set()
            assert (await first).status_code == 200
            assert (await again).choices[0].message.content == "Hello."
        assert asked == 2


async def test_what_turns_used_is_listed() -> None:
    async with limited() as client:
        assert (await client.get("/v1/usage")).json() == {
            "object": "list",
            "data": [],
            "first_id": "",
            "last_id": "",
            "has_more": False,
        }
        await client.post(ROUTE, **form())
        await client.post(SPEECH, json={"input": "Hello."})
        page = (await client.get("/v1/usage")).json()
    (record,) = page["data"]
    assert page["first_id"] == record["id"] == f"{record['day']}/anyone/{record['route']}"
    assert (record["turns"], record["audio_seconds"]) == (2, 1.935)
    assert (record["input_tokens"], record["output_tokens"]) == (1, 2)
    assert record["speech_characters"] == len("Hello there.How are you?Hello.")
    assert record["speech_seconds"] > 0
    assert record["speculative"]["turns"] == 0


async def test_a_client_that_leaves_pays_for_what_it_made_the_gateway_use() -> None:
    words, left = "x" * 400, asyncio.Event()

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        try:
            yield llm.TextDelta(text=words)
            await asyncio.sleep(60)
            yield llm.Finished(reason="stop", usage=None)
        finally:
            left.set()

    async with limited(scripted_engines(llm=scripted.language_model(script))) as client:
        asked = {"model": "s2s", "messages": [{"role": "user", "content": "y" * 80}], "stream": True}
        async with client.stream("POST", CHAT, json=asked) as answer:
            await anext(answer.aiter_bytes())
        await asyncio.wait_for(left.wait(), 10)
        (record,) = (await client.get("/v1/usage")).json()["data"]
    assert record["output_tokens"] == 100
    assert record["input_tokens"] >= 20


@pytest.mark.parametrize("query", ["day=yesterday", "limit=0", "after=nothing"])
async def test_a_query_that_cannot_be_is_refused(query: str) -> None:
    async with limited() as client:
        refused(await client.get(f"/v1/usage?{query}"), 400)


async def test_a_key_has_its_own_limits_and_sees_its_own_use_only() -> None:
    keyring = Keyring([key("ann", requests_per_minute=1), key("bob"), key("operator", admin=True)])
    async with (
        served(gateway_of(scripted_engines()), keyring=keyring) as address,
        httpx.AsyncClient(base_url=address, timeout=20) as client,
    ):

        async def post(name: str) -> httpx.Response:
            return await client.post(CHAT, json=ASKED, headers=bearer(name))

        async def used(name: str) -> set[str]:
            rows = (await client.get("/v1/usage", headers=bearer(name))).json()["data"]
            return {row["key"] for row in rows}

        assert [(await post("ann")).status_code for _ in range(2)] == [200, 429]
        assert [(await post("bob")).status_code for _ in range(2)] == [200, 200]
        error = refused(await post("ann"), 429)
        assert error["message"].startswith("Rate limit reached for requests per minute of this API key: limit 1")
        assert await used("ann") == {"ann"}
        assert await used("bob") == {"bob"}
        assert await used("operator") == {"ann", "bob"}
        told = await client.get("/metrics", headers=bearer("operator"))
        seen, rows = Scrape(told.text), (await client.get("/v1/usage", headers=bearer("operator"))).json()["data"]
        (limit,) = seen.labels("limit")
        assert limit == {"key": "ann", "quantity": "requests", "period": "minute"}
        assert (seen.value("limit"), seen.value("limit_used") > 0) == (1, True)
        for row in rows:
            for quantity in ("turns", "input_tokens", "output_tokens", "speech_seconds"):
                value = seen.value("usage_today", key=row["key"], route=row["route"], quantity=quantity)
                assert value == pytest.approx(row[quantity])
        assert {row["key"]: row["turns"] for row in rows} == {"ann": 1, "bob": 2}
        assert refused(await client.get("/metrics", headers=bearer("bob")), 403)


def bearer(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer sk-the-key-of-{name}"}


def key(name: str, *, admin: bool = False, **limits: float) -> Key:
    digest = digest_in(hash_of(f"sk-the-key-of-{name}"))
    assert digest is not None
    return Key(digests=(digest,), caller=Caller(name=name, admin=admin, limits=convert(limits, Limits)))
