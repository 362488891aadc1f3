"""A route that answers with one JSON document: its headers, and how it reads JSON, over a socket."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio

from gateway.app import SURFACES
from gateway.http.form import MAX_BODY_BYTES
from gateway.wire.json_text import MAX_LEVELS
from tests.support import tiny_surface
from tests.support.http_client import JSON, refused
from tests.support.server import gateway_of, scripted_engines, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORDS = "/v1/words"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncGenerator[str, None]:
    async with served(gateway_of(scripted_engines()), (*SURFACES, tiny_surface.surface)) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(address: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        yield client


async def test_it_says_how_long_it_took_and_what_had_no_effect(client: httpx.AsyncClient) -> None:
    body = {"text": "two words", "language": None, "top_k": 1, "ünknown": None}
    response = await client.post(f"{WORDS}?text=beside", json=body, headers={"idempotency-key": "1"})
    assert (response.status_code, response.json()) == (200, {"words": 2})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-ignored-parameters"] == "top_k, %C3%BCnknown"
    assert response.headers["openai-processing-ms"].isdecimal()
    assert response.headers["x-request-id"].startswith("req_")
    absent = {"x-response-id", "x-conversation-id", "x-transcript", "server-timing"}
    assert not absent & set(response.headers)
    plain = await client.post(WORDS, json={"text": "two words"})
    assert "x-ignored-parameters" not in plain.headers


async def test_a_field_in_the_query_of_a_json_route_is_named_as_ignored(client: httpx.AsyncClient) -> None:
    response = await client.post(f"{WORDS}?language=en&x=1", json={"text": "two words"})
    assert response.headers["x-ignored-parameters"] == "language, x"


@pytest.mark.parametrize("accept", ["application/octet-stream", "text/html", "image/png;q=0.1", "*/*", "", "nonsense"])
async def test_any_accept_gets_json(client: httpx.AsyncClient, accept: str) -> None:
    headers = {"accept": accept}
    assert (await client.post(WORDS, json={"text": "a b c"}, headers=headers)).json() == {"words": 3}
    refused(await client.post(WORDS, json={}, headers=headers), 400)
    refused(await client.get("/v1/nowhere", headers=headers), 404)
    assert (await client.get("/v1/models", headers=headers)).json()["object"] == "list"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"])
async def test_json_is_taken_however_it_is_called(client: httpx.AsyncClient, content_type: str) -> None:
    response = await client.post(WORDS, content=b'{"text": "a"}', headers={"content-type": content_type})
    assert response.json() == {"words": 1}


@pytest.mark.parametrize(
    "sent",
    [
        {"content": b'{"text": "a"}', "headers": {"content-type": "text/plain"}},
        {"content": b'{"text": "a"}', "headers": {"content-type": ""}},
        {"content": b"text=a", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"files": {"text": (None, "a")}},
    ],
    ids=["text", "nothing", "urlencoded", "form"],
)
async def test_other_bodies_than_json_are_a_415(client: httpx.AsyncClient, sent: dict[str, Any]) -> None:
    error = refused(await client.post(WORDS, **sent), 415)
    assert error["message"].startswith("Unsupported content type: '")
    assert "only accepts 'application/json' requests" in error["message"]
    assert error["code"] == "unsupported_content_type"


async def test_no_body_lacks_what_is_required(client: httpx.AsyncClient) -> None:
    assert refused(await client.post(WORDS), 400)["code"] == "missing_required_parameter"


LARGEST = b'{"text": "' + b"a " * ((MAX_BODY_BYTES - 12) // 2) + b'"}'

BROKEN: dict[str, bytes] = {
    "no JSON": b"text",
    "cut": b'{"text": "a',
    "an array": b"[]",
    "two documents": b'{"text": "a"}{}',
    "no UTF-8": b'{"text": "\xff"}',
    "single quotes": b"{'text': 'a'}",
    "NaN": b'{"text": NaN}',
    "1,000 levels": b'{"text": "a", "x": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    "a million levels": b"[" * 1_000_000,
    "36 MiB that end too early": LARGEST[:-2],
    "36 MiB of one number": b'{"text": ' + b"1" * (MAX_BODY_BYTES - 10) + b"}",
    "36 MiB of values": b'{"text": [' + b"1," * (MAX_BODY_BYTES // 2 - 10) + b"1]}",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
async def test_broken_json_is_a_400(client: httpx.AsyncClient, body: bytes) -> None:
    error = refused(await client.post(WORDS, content=body, headers=JSON), 400)
    assert error["message"].startswith("We could not parse the JSON body of your request. (")
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", None, None)


async def test_json_as_large_and_as_deep_as_it_may_be_is_taken(client: httpx.AsyncClient) -> None:
    assert (await client.post(WORDS, content=LARGEST, headers=JSON)).status_code == 200
    deep = {"text": "a", "x": json.loads("[" * (MAX_LEVELS - 1) + "]" * (MAX_LEVELS - 1))}
    assert (await client.post(WORDS, json=deep)).status_code == 200


async def test_the_sdk_reads_the_answer_and_the_refusals(address: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as sdk:
        assert await sdk.post("/words", cast_to=dict[str, int], body={"text": "a b"}) == {"words": 2}
        with pytest.raises(openai.BadRequestError) as incomplete:
            await sdk.post("/words", cast_to=object, body={})
        with pytest.raises(openai.NotFoundError) as unknown:
            await sdk.post("/audio/speech-to-speach", cast_to=object, body={})
    assert (incomplete.value.code, incomplete.value.param) == ("missing_required_parameter", "input")
    assert incomplete.value.request_id is not None
    assert "Did you mean POST /v1/audio/speech-to-speech?" in unknown.value.message


async def test_the_nearest_route_is_named_and_the_words_are_openais(client: httpx.AsyncClient) -> None:
    assert refused(await client.post("/words", json={}), 404)["message"] == (
        "Invalid URL (POST /words). Did you mean POST /v1/words?"
    )
    assert refused(await client.get("/v1/wrds"), 404)["message"] == (
        "Invalid URL (GET /v1/wrds). Did you mean POST /v1/words?"
    )
    assert refused(await client.get("/v1/wo\u00e9/%0a"), 404)["message"] == "Invalid URL (GET /v1/woé/\\n)"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_told_which_ones_there_are(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, WORDS)
    assert refused(response, 405)["message"].startswith(f"Not allowed to {method} on {WORDS}.")
    assert set(response.headers["allow"].split(", ")) == {"POST", "OPTIONS"}


async def test_models_cannot_be_deleted(address: str, client: httpx.AsyncClient) -> None:
    response = await client.delete("/v1/models/s2s")
    refused(response, 405)
    assert set(response.headers["allow"].split(", ")) == {"GET", "OPTIONS"}
    async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="x") as sdk:
        with pytest.raises(openai.APIStatusError, match="Not allowed to DELETE"):
            await sdk.models.delete("s2s")


async def test_options_and_head_say_what_there_is(client: httpx.AsyncClient) -> None:
    options = await client.options(WORDS)
    assert (options.status_code, options.headers["allow"]) == (204, "OPTIONS, POST")
    refused(await client.options("/v1/nowhere"), 404)
    head, whole = await client.head("/v1/models"), await client.get("/v1/models")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert (await client.head("/v1/models/nope")).status_code == 404
