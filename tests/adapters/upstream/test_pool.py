"""What the clients of one event loop share, and what they must not share."""

import asyncio
from contextlib import AsyncExitStack, aclosing
from typing import Any

import httpx
import pytest
import respx

from adapters.contract.checks import read
from adapters.contract.errors import Unavailable, UpstreamError
from adapters.options import Secret
from adapters.upstream import UpstreamClient
from adapters.upstream.certificates import ssl_context
from tests.support.upstream_client import END, ask, call, say, upstream
from tests.support.upstream_server import UpstreamServer, replies, sse, streams


async def test_two_adapters_share_their_connections_but_not_their_keys() -> None:
    async with (
        UpstreamServer(streams(say("a"), END)) as server,
        aclosing(upstream(server, Secret("key-one"))) as one,
        aclosing(upstream(server, Secret("key-two"))) as two,
        aclosing(upstream(server, None)) as three,
    ):
        for client in (one, two, three):
            await ask(client)
        sent = [exchange.headers.get("authorization") for exchange in server.exchanges]
        assert sent == ["Bearer key-one", "Bearer key-two", None]
        assert server.connections == 1


async def test_cookies_are_not_kept() -> None:
    async with (
        UpstreamServer(replies(200, sse(END), "text/event-stream", set_cookie="a=b; path=/")) as server,
        aclosing(upstream(server)) as client,
    ):
        await ask(client)
        await ask(client)
        assert "cookie" not in server.exchanges[1].headers


async def test_the_last_user_closes_the_connections() -> None:
    async with UpstreamServer(streams(END)) as server:
        one, two = upstream(server), upstream(server)
        await ask(one)
        await ask(two)
        await one.aclose()
        await one.aclose()
        await ask(two)
        await two.aclose()
        async with asyncio.timeout(10):
            await asyncio.gather(*server.handlers)  # its handlers end with their connections
        assert server.connections == 1
        async with aclosing(upstream(server)) as three:  # a new pool
            await ask(three)
        assert server.connections == 2


async def test_a_closed_upstream_says_so() -> None:
    async with UpstreamServer(streams(END)) as server, aclosing(upstream(server)) as other:
        client = upstream(server)
        await ask(client)
        await client.aclose()
        for _ in range(5):
            with pytest.raises(Unavailable, match="closed"):
                await read(client.stream(call(client)))
        assert client.state.retries == 0
        await ask(other)  # whose server it is, too, and well


async def test_constructing_and_plain_http_load_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("certificates were loaded")

    ssl_context.cache_clear()
    monkeypatch.setattr(httpx, "create_ssl_context", fail)
    upstream("https://localhost:1/v1")
    async with UpstreamServer(streams(END)) as server, aclosing(upstream(server)) as client:
        await client.warm_up()
        await ask(client)


@respx.mock(using="httpcore")
async def test_a_provider_behind_a_proxy_is_asked_by_the_transport_of_httpx(
    respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    route = respx_mock.post("https://api.openai.com/v1/x").respond(
        content=sse(say("mocked")) + sse(END), content_type="text/event-stream"
    )
    async with aclosing(upstream("https://api.openai.com/v1")) as client:
        assert await ask(client) == ["mocked"]
    assert route.called


async def test_each_server_has_its_own_breaker() -> None:
    async with AsyncExitStack() as stack:
        broken = await stack.enter_async_context(UpstreamServer(replies(500, {})))
        well = await stack.enter_async_context(UpstreamServer(streams(END)))

        async def opened(server: UpstreamServer) -> UpstreamClient:
            return await stack.enter_async_context(aclosing(upstream(server, max_retries=0)))

        one, same, other = [await opened(server) for server in (broken, broken, well)]
        for _ in range(5):
            with pytest.raises(UpstreamError, match="status 500"):
                await ask(one)
        with pytest.raises(Unavailable, match="temporarily disabled"):
            await ask(same)
        await ask(other)
