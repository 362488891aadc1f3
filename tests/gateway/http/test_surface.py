"""A new surface is a folder and a line: it is routed, limited, described, and its errors are OpenAI's."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest_asyncio

from gateway.app import SURFACES, create_app
from gateway.http.openapi import document
from tests.support import tiny_surface
from tests.support.server import gateway_of, scripted_engines, served

ALL = (*SURFACES, tiny_surface.surface)


@pytest_asyncio.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient, None]:
    async with (
        served(gateway_of(scripted_engines()), ALL) as address,
        httpx.AsyncClient(base_url=address, timeout=20) as client,
    ):
        yield client


async def test_it_is_routed(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/words", json={"text": "three small words"})
    assert (response.status_code, response.json()) == (200, {"words": 3})
    assert response.headers["x-request-id"].startswith("req_")


async def test_its_errors_are_openais_with_its_own_names_for_fields(client: httpx.AsyncClient) -> None:
    refused = await client.post("/v1/words", json={"text": " "})
    assert (refused.status_code, refused.json()["error"]) == (
        400,
        {"message": "There are no words.", "type": "invalid_request_error", "param": "input", "code": "no_words"},
    )
    incomplete = await client.post("/v1/words", json={})
    assert incomplete.json()["error"]["code"] == "missing_required_parameter"
    assert (await client.get("/v1/words")).json()["error"]["code"] == "method_not_supported"


async def test_it_is_limited_like_the_others() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncGenerator[bytes, None]:
        yield b'{"text": '
        begun.set()
        await go_on.wait()
        yield b'"one"}'

    gateway = gateway_of(scripted_engines(), "--max_requests", "1")
    headers = {"content-type": "application/json"}
    async with served(gateway, ALL) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        first = asyncio.create_task(client.post("/v1/words", content=slowly(), headers=headers))
        await begun.wait()
        async with asyncio.timeout(10):
            while (await client.post("/v1/words", json={"text": "two"})).status_code != 503:
                pass  # the first request is still on its way to its place
        go_on.set()
        assert (await first).status_code == 200
        assert (await client.post("/v1/words", json={"text": "two"})).status_code == 200


def test_it_is_described_beside_the_others_and_names_stay_unique() -> None:
    description: dict[str, Any] = json.loads(document(create_app(gateway_of(scripted_engines()), surfaces=ALL)))
    operation = description["paths"]["/v1/words"]["post"]
    assert operation["operationId"] == "countWords"
    assert operation["responses"]["default"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ErrorAnswer"
    }
    schemas = description["components"]["schemas"]
    assert schemas["TinySurfaceUsage"]["properties"].keys() == {"words"}
    assert schemas["Usage"]["properties"].keys() == {
        "input_tokens",
        "output_tokens",
        "total_tokens",
        "compaction_tokens",
    }
    assert "/v1/audio/speech-to-speech" in description["paths"]
