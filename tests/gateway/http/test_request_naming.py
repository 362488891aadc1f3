"""A request has one name: the client's if that is harmless, on the answer, and for the servers that are asked."""

import asyncio
import re

import httpx
import pytest

from gateway.engines.build import build
from gateway.engines.lifecycle import Gateway
from gateway.settings.load import load
from tests.support.chat_chunks import USAGE, delta
from tests.support.chat_client import ROUTE as CHAT
from tests.support.chat_client import asked as chat
from tests.support.http_client import ROUTE, form
from tests.support.server import EMBEDDED, gateway_of, scripted_engines, served
from tests.support.upstream_server import Exchange, UpstreamServer, streams

ANSWER = streams(delta(content="Hi."), delta("stop"), {"choices": [], "usage": USAGE}, "[DONE]")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MADE = re.compile("req_[0-9a-f]{32}")


def remote(upstream: UpstreamServer, *flags: str) -> Gateway:
    flags = (f"--responses_api_base_url={upstream.base_url}", "--model_name=m", *flags)
    return build(load(["--llm_backend=chat-completions", *EMBEDDED, *flags], {}))


@pytest.mark.parametrize("given", ["abc", "A-1.b_2:c", "7f3e4d0c-9d1f-4c8e-8f6a-0f2e7a1b9c3d", "x" * 128])
async def test_a_harmless_id_is_taken(given: str) -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        answers = [
            await client.get(path, headers={"x-request-id": given}) for path in ("/health", "/nowhere", "/v1/models/no")
        ]
        answers.append(await client.post(ROUTE, **form(), headers={"x-request-id": given}))
        answers.append(await client.post(ROUTE, content=b"{", headers={"x-request-id": given}))
    assert [answer.headers.get_list("x-request-id") for answer in answers] == [[given]] * 5


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "-a", "ä", "a,b", 'a"b', "../a", "a%0ab"])
async def test_another_is_replaced(given: str) -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        headers = {"x-request-id": given.encode("latin-1")}
        answer = await client.get("/health", headers=[(name.encode(), value) for name, value in headers.items()])
    assert MADE.fullmatch(answer.headers["x-request-id"])


async def test_of_two_ids_neither_is_taken() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        answer = await client.get("/health", headers=[("x-request-id", "one"), ("x-request-id", "two")])
    assert MADE.fullmatch(answer.headers["x-request-id"])


@pytest.mark.parametrize("request_", [chat(stream=True), {**chat(), "checked": True}], ids=["passed on", "translated"])
async def test_the_server_behind_is_told(request_: dict[str, object]) -> None:
    sent = {"traceparent": TRACEPARENT, "tracestate": "vendor=1", "x-request-id": "mine"}
    flags = ["--responses_api_stream=false"] if request_.pop("checked", False) else []
    async with UpstreamServer(ANSWER) as upstream, served(remote(upstream, *flags)) as address:
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            answer = await client.post(CHAT, headers=sent, **request_)  # type: ignore[arg-type]
            assert answer.status_code == 200, answer.text
    exchange = upstream.exchanges[-1]
    assert {name: exchange.headers.get(name) for name in sent} == sent


@pytest.mark.parametrize(
    "given",
    [
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "nonsense",
    ],
)
async def test_a_trace_context_that_is_none_is_left_out(given: str) -> None:
    async with UpstreamServer(ANSWER) as upstream, served(remote(upstream)) as address:
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            await client.post(CHAT, headers={"traceparent": given, "tracestate": "vendor=1"}, **chat(stream=True))
    assert {"traceparent", "tracestate"}.isdisjoint(upstream.exchanges[-1].headers)
    assert MADE.fullmatch(upstream.exchanges[-1].headers["x-request-id"])


async def test_requests_at_once_and_on_one_connection_keep_their_own_names() -> None:
    async def slowly(exchange: Exchange) -> None:
        await asyncio.sleep(0.05)
        await ANSWER(exchange)

    async def ask(client: httpx.AsyncClient, name: str) -> str:
        answer = await client.post(CHAT, headers={"x-request-id": name}, **chat(stream=True, user=name))
        return answer.headers["x-request-id"]

    names = [f"request-{number}" for number in range(12)]
    limits = httpx.Limits(max_connections=3)
    async with UpstreamServer(slowly) as upstream, served(remote(upstream)) as address:
        async with httpx.AsyncClient(base_url=address, timeout=30, limits=limits) as client:
            assert await asyncio.gather(*(ask(client, name) for name in names)) == names
    asked = [exchange for exchange in upstream.exchanges if exchange.method == "POST"]
    assert sorted(exchange.headers["x-request-id"] for exchange in asked) == sorted(names)
    assert all(exchange.json["user"] == exchange.headers["x-request-id"] for exchange in asked)
