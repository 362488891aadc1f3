"""Who may use what: every surface with every kind of key, as HTTP clients, the SDK and WebSockets meet it."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio
import websockets

from gateway.access.caller import ANYONE, NOBODY, Caller
from gateway.access.keys import Key, Keyring, digest_in, hash_of
from gateway.app import SURFACES
from gateway.http.auth import caller_of
from tests.support import echo_surface
from tests.support.http_client import ROUTE, asked, form, refused
from tests.support.server import gateway_of, gateway_with_routes, scripted_engines, served

PAST = datetime(2020, 1, 1, tzinfo=UTC)

GOOD, ADMIN, OTHER = "sk-good-key-of-the-phone", "sk-good-key-of-the-operator", "sk-good-key-of-somebody-else"


def key(text: str, name: str, *, disabled: bool = False, expires: datetime | None = None, **caller: Any) -> Key:
    digest = digest_in(hash_of(text))
    assert digest is not None
    return Key(digests=(digest,), caller=Caller(name=name, **caller), disabled=disabled, expires=expires)


KEYS = {
    "good": key(GOOD, "phone"),
    "admin": key(ADMIN, "operator", admin=True),
    "other": key(OTHER, "else"),
    "disabled": key("sk-disabled-key-disabled", "disabled", disabled=True),
    "expired": key("sk-expired-key-expired-key", "expired", expires=PAST),
    "slow only": key("sk-key-for-another-route", "slow", routes=("slow",)),
    "none of these": key("sk-key-for-another-surface", "elsewhere", surfaces=("nowhere",)),
}
PLAIN = {
    "no key": None,
    "wrong": "sk-wrong-wrong-wrong-wrong",
    "good": GOOD,
    "disabled": "sk-disabled-key-disabled",
    "expired": "sk-expired-key-expired-key",
    "slow only": "sk-key-for-another-route",
    "none of these": "sk-key-for-another-surface",
}

CHAT = {"model": "fast", "messages": [{"role": "user", "content": "hi"}]}
REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "speech_to_speech": ("POST", ROUTE, form(fields={"model": "fast"})),
    "speech": ("POST", "/v1/audio/speech", {"json": {"model": "fast", "input": "Hi.", "voice": "alloy"}}),
    "speech with a recording": (
        "POST",
        "/v1/audio/speech",
        {"json": {**asked()["json"], "model": "fast", "input": "", "voice": "alloy"}},
    ),
    "transcriptions": ("POST", "/v1/audio/transcriptions", form(fields={"model": "fast"})),
    "chat_completions": ("POST", "/v1/chat/completions", {"json": CHAT}),
    "responses": ("POST", "/v1/responses", {"json": {"model": "fast", "input": "hi"}}),
    "conversations": ("POST", "/v1/conversations", {"json": {}}),
    "realtime": ("POST", "/v1/realtime/client_secrets", {"json": {"session": {"type": "realtime", "model": "fast"}}}),
    "realtime as the Beta asks": ("POST", "/v1/realtime/sessions", {"json": {"model": "fast"}}),
    "voices": ("GET", "/v1/audio/voices?model=fast", {}),
    "models": ("GET", "/v1/models/fast", {}),
    "usage": ("GET", "/v1/usage", {}),
}
WITHOUT_ROUTE = {"conversations", "usage"}
"""Surfaces that ask no route."""


def bearer(text: str | None) -> dict[str, str]:
    return {} if text is None else {"authorization": f"Bearer {text}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncGenerator[str, None]:
    gateway = gateway_with_routes(
        scripted_engines(), [("fast", ()), ("slow", ())], "--cors_origins", "http://localhost:3000"
    )
    async with served(gateway, (*SURFACES, echo_surface.surface), keyring=Keyring(KEYS.values())) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(address: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        yield client


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("surface", REQUESTS)
@pytest.mark.asyncio(loop_scope="module")
async def test_every_surface_with_every_kind_of_key(client: httpx.AsyncClient, surface: str, kind: str) -> None:
    method, path, sent = REQUESTS[surface]
    answer = await client.request(method, path, **sent, headers=bearer(PLAIN[kind]))
    expected = {"good": 200, "slow only": 200 if surface in WITHOUT_ROUTE else 404, "none of these": 403}.get(kind, 401)
    if expected == 200:
        assert answer.status_code == 200, answer.text
        return
    error = refused(answer, expected)
    assert error["type"] == "invalid_request_error"
    codes = {200: None, 401: None if kind == "no key" else "invalid_api_key", 403: None, 404: "model_not_found"}
    assert error["code"] == codes[expected]
    plain = PLAIN[kind]
    assert plain is None or plain not in answer.text
    assert ("www-authenticate" in answer.headers) is (expected == 401)


def test_the_matrix_has_every_surface_that_needs_a_key() -> None:
    named = {surface.partition(" ")[0] for surface in REQUESTS}
    handlers = {surface.name: surface.handlers for surface in SURFACES}
    needing = {
        name for name, each in handlers.items() if any(handler.opt.get("access", "key") == "key" for handler in each)
    }
    assert needing == named


@pytest.mark.parametrize("path", ["/health", "/ready", "/docs/openapi.json"])
@pytest.mark.asyncio(loop_scope="module")
async def test_what_needs_no_key(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


@pytest.mark.asyncio(loop_scope="module")
async def test_a_key_sees_its_own_routes_only(client: httpx.AsyncClient) -> None:
    async def listed(text: str | None) -> list[str]:
        return [each["id"] for each in (await client.get("/v1/models", headers=bearer(text))).json()["data"]]

    assert await listed(GOOD) == ["fast", "slow"]
    assert await listed(PLAIN["slow only"]) == ["slow"]
    # Without a model the first of its own routes answers.
    answer = await client.post("/v1/responses", json={"input": "hi"}, headers=bearer(PLAIN["slow only"]))
    assert answer.json()["model"] == "slow"


@pytest.mark.parametrize("header", ["Basic abc", f"bearer  {GOOD}", "Bearer", f"Token {GOOD}", ""])
@pytest.mark.asyncio(loop_scope="module")
async def test_how_a_key_is_shown(client: httpx.AsyncClient, header: str) -> None:
    answer = await client.get("/v1/models", headers={"authorization": header})
    assert answer.status_code == (200 if header.startswith("bearer ") else 401)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_preflight_needs_no_key(client: httpx.AsyncClient) -> None:
    headers = {"origin": "http://localhost:3000", "access-control-request-method": "POST"}
    assert (await client.options("/v1/responses", headers=headers)).status_code == 204
    refusal = await client.post("/v1/responses", json={}, headers=headers)
    assert refusal.status_code == 401
    assert refusal.headers["access-control-allow-origin"] == "http://localhost:3000"


@pytest.mark.asyncio(loop_scope="module")
async def test_the_sdk_meets_its_own_exceptions(address: str) -> None:
    async def listing(text: str) -> Any:
        async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key=text, max_retries=0) as sdk:
            return await sdk.models.list()

    with pytest.raises(openai.AuthenticationError) as failure:
        await listing("sk-wrong-wrong-wrong-wrong")
    assert failure.value.code == "invalid_api_key"
    with pytest.raises(openai.PermissionDeniedError):
        await listing(str(PLAIN["none of these"]))
    assert [model.id for model in (await listing(GOOD)).data] == ["fast", "slow"]


@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_caller_keeps_is_found_by_nobody_else(client: httpx.AsyncClient) -> None:
    async def status(text: str, method: str, path: str, **sent: Any) -> tuple[int, str]:
        answer = await client.request(method, path, **sent, headers=bearer(text))
        return answer.status_code, answer.text

    made = (await client.post("/v1/responses", json={"input": "hi"}, headers=bearer(GOOD))).json()["id"]
    begun = await client.post(
        "/v1/conversations", json={"items": [{"role": "user", "content": "hi"}]}, headers=bearer(GOOD)
    )
    conversation = begun.json()["id"]
    asks: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/v1/responses/{}", {}),
        ("GET", "/v1/responses/{}/input_items", {}),
        ("POST", "/v1/responses/{}/cancel", {}),
        ("DELETE", "/v1/responses/{}", {}),
        ("GET", "/v1/conversations/{}", {}),
        ("GET", "/v1/conversations/{}/items", {}),
        ("POST", "/v1/conversations/{}", {"json": {"metadata": {}}}),
        ("POST", "/v1/conversations/{}/items", {"json": {"items": [{"role": "user", "content": "x"}]}}),
        ("DELETE", "/v1/conversations/{}", {}),
    ]
    for method, path, sent in asks:
        name, absent = (made, "resp_" + "0" * 32) if "responses" in path else (conversation, "conv_" + "0" * 32)
        for stranger in (OTHER, ADMIN):
            there = await status(stranger, method, path.format(name), **sent)
            nowhere = await status(stranger, method, path.format(absent), **sent)
            assert (there[0], there[1].replace(name, "")) == (404, nowhere[1].replace(absent, ""))
    for fields in ({"previous_response_id": made}, {"conversation": conversation}):
        sent = {"json": {"input": "hi", **fields}}
        assert (await status(OTHER, "POST", "/v1/responses", **sent))[0] in {400, 404}
        assert (await status(GOOD, "POST", "/v1/responses", **sent))[0] == 200
    assert (await status(GOOD, "GET", f"/v1/responses/{made}"))[0] == 200


@pytest.mark.asyncio(loop_scope="module")
async def test_the_words_of_a_spoken_answer_belong_to_its_caller(client: httpx.AsyncClient) -> None:
    spoken = {**CHAT, "modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    made = await client.post("/v1/chat/completions", json=spoken, headers=bearer(GOOD))
    audio = made.json()["choices"][0]["message"]["audio"]["id"]
    messages = [*CHAT["messages"], {"role": "assistant", "audio": {"id": audio}}, *CHAT["messages"]]
    again = {"model": "fast", "messages": messages}
    assert (await client.post("/v1/chat/completions", json=again, headers=bearer(GOOD))).status_code == 200
    assert (
        "not found"
        in refused(await client.post("/v1/chat/completions", json=again, headers=bearer(OTHER)), 400)["message"]
    )


async def test_an_answer_that_is_being_written_is_not_found_either() -> None:
    keyring = Keyring([KEYS["good"], KEYS["other"]])
    async with (
        served(gateway_of(scripted_engines()), keyring=keyring) as address,
        httpx.AsyncClient(base_url=address, timeout=20) as client,
        client.stream("POST", "/v1/responses", json={"input": "hi", "stream": True}, headers=bearer(GOOD)) as answer,
    ):
        name = answer.headers["x-response-id"]
        assert (await client.get(f"/v1/responses/{name}", headers=bearer(OTHER))).status_code == 404
        assert (await client.post(f"/v1/responses/{name}/cancel", headers=bearer(OTHER))).status_code == 404
        await answer.aread()


@pytest.mark.parametrize(
    ("headers", "protocols", "status"),
    [
        ({}, [], 401),
        (bearer("sk-wrong-wrong-wrong-wrong"), [], 401),
        (bearer(GOOD), [], 101),
        ({}, ["realtime", f"openai-insecure-api-key.{GOOD}"], 101),
        ({}, ["realtime", "openai-insecure-api-key.sk-wrong-wrong-wrong"], 401),
        (bearer(str(PLAIN["none of these"])), [], 403),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_websockets(address: str, headers: dict[str, str], protocols: list[str], status: int) -> None:
    assert await handshake(address, headers, protocols) == status


async def handshake(address: str, headers: dict[str, str], protocols: list[str]) -> int:
    """The status that a handshake is answered with; a refusal has OpenAI's body."""
    url = f"{address.replace('http', 'ws', 1)}/v1/echo"
    try:
        async with (
            asyncio.timeout(10),
            websockets.connect(
                url,
                additional_headers=headers,
                subprotocols=[websockets.Subprotocol(each) for each in protocols] or None,
            ),
        ):
            return 101
    except websockets.exceptions.InvalidStatus as error:
        told = b'"type":"invalid_request_error"' in error.response.body
        return error.response.status_code if told else 0


async def test_after_a_reload_the_new_keys_count_and_running_requests_go_on() -> None:
    keyring = Keyring([KEYS["good"]])
    async with served(gateway_of(scripted_engines()), keyring=keyring) as address:
        async with httpx.AsyncClient(base_url=address, timeout=20) as client:
            async with client.stream("POST", ROUTE, **form(), headers=bearer(GOOD)) as answer:
                keyring.replace([KEYS["other"]])
                assert (await client.get("/v1/models", headers=bearer(GOOD))).status_code == 401
                assert (await client.get("/v1/models", headers=bearer(OTHER))).status_code == 200
                assert len(await answer.aread()) > 1000


def test_a_request_that_nobody_looked_at_is_nobodys() -> None:
    scope: Any = {"type": "http"}
    assert caller_of(scope) is NOBODY
    assert not NOBODY.may_ask("any")
    assert ANYONE.may_ask("any")
