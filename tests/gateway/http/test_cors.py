"""Pages on other sites call the gateway when they may, and read what they need of every kind of answer."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import Unavailable
from adapters.options import BadOption
from gateway.app import create_app
from gateway.http.cors import cors_config
from gateway.http.headers import HEADERS
from tests.support.http_client import ROUTE, form, refused
from tests.support.raw_client import RawConnection, request
from tests.support.server import gateway_of, scripted_engines, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "http://localhost:3000"
STRANGER = "https://stranger.example"

SDK_HEADERS = (
    "authorization,content-type,openai-organization,openai-project,x-openai-agents-sdk,x-stainless-arch,"
    "x-stainless-lang,x-stainless-os,x-stainless-package-version,x-stainless-retry-count,x-stainless-runtime,"
    "x-stainless-runtime-version,x-stainless-timeout"
)
"""What a browser asks for when openai-node calls in it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncGenerator[str, None]:
    origins = f'["{PAGE}", "https://*.example.org"]'
    async with served(gateway_of(scripted_engines(), "--cors_origins", origins)) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(address: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        yield client


def preflight(origin: str, target: str = ROUTE) -> bytes:
    return request(
        "OPTIONS",
        target,
        f"origin: {origin}",
        "access-control-request-method: POST",
        f"access-control-request-headers: {SDK_HEADERS}",
    )


def listed(value: str) -> set[str]:
    return {each.strip().lower() for each in value.split(",")}


@pytest.mark.parametrize("target", [ROUTE, "/v1/models", "/v1/nowhere"])
async def test_a_page_may_ask_what_the_sdk_asks(address: str, target: str) -> None:
    connection = await RawConnection.open(address, preflight(PAGE, target))
    head = (await connection.reader.readuntil(b"\r\n\r\n")).decode().lower()
    await connection.close()
    status, *lines = head.strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert status.split()[1] == "204"
    assert headers["access-control-allow-origin"] == PAGE
    assert listed(headers["access-control-allow-headers"]) >= listed(SDK_HEADERS)
    assert {"get", "post", "delete"} <= listed(headers["access-control-allow-methods"])
    assert headers["vary"] == "origin"
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("origin", [STRANGER, "http://localhost:3001", "null", "http://localhost:3000.evil.example"])
async def test_a_stranger_may_not(client: httpx.AsyncClient, origin: str) -> None:
    refusal = await client.options(ROUTE, headers={"origin": origin, "access-control-request-method": "POST"})
    error = refused(refusal, 400)
    assert (error["code"], origin in error["message"]) == ("origin_not_allowed", True)
    assert "access-control-allow-origin" not in refusal.headers
    answer = await client.get("/v1/models", headers={"origin": origin})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_wildcard_stands_for_sites_below_a_domain(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/models", headers={"origin": "https://app.example.org"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example.org"


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/v1/models", {}, 200),
        ("GET", "/v1/models/none/at/all", {}, 404),
        ("POST", ROUTE, form(), 200),
        ("POST", ROUTE, form(fields={"stream_format": "sse"}), 200),
        ("POST", ROUTE, form(fields={"voice": "nobody"}), 400),
        ("POST", ROUTE, {"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
        ("POST", "/v1/nowhere", {}, 404),
        ("PUT", ROUTE, {}, 405),
    ],
)
async def test_every_answer_can_be_read(
    client: httpx.AsyncClient, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    headers = {"origin": PAGE, **sent.get("headers", {})}
    answer = await client.request(method, path, **{**sent, "headers": headers})
    assert answer.status_code == status
    assert answer.headers.get_list("access-control-allow-origin") == [PAGE]
    exposed = listed(answer.headers["access-control-expose-headers"])
    assert {header.name for header in HEADERS} <= exposed
    assert {
        "x-request-id",
        "location",
        "openai-processing-ms",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "x-ratelimit-remaining-requests",
    } <= exposed
    safelisted = {"content-type", "content-length", "cache-control"}
    transport = {"date", "vary", "connection", "transfer-encoding", "x-accel-buffering"}
    others = {name for name in answer.headers if not name.startswith("access-control-")}
    assert others <= exposed | safelisted | transport, "a page cannot read a header that is sent"


async def busy(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    raise Unavailable("Busy.", retry_after=2)
    yield


async def test_a_page_of_any_site_is_told_when_to_come_back() -> None:
    gateway = gateway_of(scripted_engines(llm=scripted.language_model(busy)), "--cors_origins", "*")
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        answer = await client.post(ROUTE, **form(), headers={"origin": STRANGER})
    refused(answer, 503)
    assert answer.headers["access-control-allow-origin"] == "*"
    sent = {"retry-after", "retry-after-ms", "x-should-retry", "x-request-id"}
    assert sent <= set(answer.headers) & listed(answer.headers["access-control-expose-headers"])


async def test_without_the_setting_no_page_may() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        answer = await client.options(ROUTE, headers={"origin": PAGE, "access-control-request-method": "POST"})
        assert (answer.status_code, answer.headers["allow"]) == (204, "OPTIONS, POST")
        assert not any(name.startswith("access-control-") for name in answer.headers)
        error = await client.post(ROUTE, json={}, headers={"origin": PAGE})
        assert refused(error, 403)["code"] == "origin_not_allowed"
        assert not any(name.startswith("access-control-") for name in error.headers)


@pytest.mark.parametrize(
    "origin",
    ["localhost:3000", "http://localhost:3000/", "https://a.example/app", "https://me@a.example", "", "https://"],
)
async def test_what_no_browser_calls_an_origin_is_refused_at_start(origin: str) -> None:
    with pytest.raises(BadOption, match="is not an origin"):
        create_app(gateway_of(scripted_engines(), "--cors_origins", f'["{origin}"]'))


@pytest.mark.parametrize("origin", ["*", "null", "https://*.example.org", "http://[::1]:8080", "app://obsidian.md"])
async def test_what_browsers_call_an_origin_is_taken(origin: str) -> None:
    config = cors_config([origin])
    assert config is not None
    assert config.is_origin_allowed(origin)
