"""Who may open a session, how many, for how long: keys, client secrets, limits, and the end of each session."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import websockets

from adapters import scripted
from adapters.contract import llm
from gateway.access.caller import Caller
from gateway.access.keys import Key, Keyring, digest_of
from gateway.access.limits import Limits
from gateway.app import create_app
from gateway.engines.lifecycle import Gateway
from tests.support.metrics import scrape
from tests.support.realtime_client import realtime
from tests.support.server import gateway_of, gateway_with_routes, scripted_engines, served, serving, until

KEY = "sk-the-key-of-the-phone"
OTHER = "sk-the-key-of-another-one"


def keyring(**caller: Any) -> Keyring:
    return Keyring(
        [
            Key(digests=(digest_of(KEY),), caller=Caller(name="phone", **caller)),
            Key(digests=(digest_of(OTHER),), caller=Caller(name="other")),
        ]
    )


def websocket_url(address: str, query: str = "model=gpt-realtime") -> str:
    return f"{address.replace('http', 'ws', 1)}/v1/realtime?{query}"


async def refusal(address: str, key: str | None = None, query: str = "model=gpt-realtime") -> tuple[int, Any]:
    """The status and the error of a handshake that is refused."""
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with asyncio.timeout(10):
            await websockets.connect(websocket_url(address, query), additional_headers=headers)
    response = refused.value.response
    assert response.headers["x-request-id"].startswith("req_")
    return response.status_code, json.loads(response.body)["error"]


async def closed(socket: websockets.ClientConnection) -> tuple[list[dict[str, Any]], int | None, str]:
    """The errors that a session tells of before it is closed, and how it is closed."""
    errors = []
    async with asyncio.timeout(20):
        try:
            while True:
                event = json.loads(await socket.recv())
                if event["type"] == "error":
                    errors.append(event["error"])
        except websockets.ConnectionClosed:
            return errors, socket.close_code, socket.close_reason or ""


async def test_without_a_good_key_there_is_no_session() -> None:
    async with served(gateway_of(scripted_engines()), keyring=keyring()) as address:
        assert (await refusal(address))[0] == 401
        status, error = await refusal(address, "sk-wrong-wrong-wrong-wrong")
        assert (status, error["code"]) == (401, "invalid_api_key")
        async with realtime(address, key=KEY):
            pass


async def test_an_unknown_model_or_intent_is_refused() -> None:
    gateway = gateway_with_routes(scripted_engines(), [("home", ())])
    async with served(gateway) as address:
        assert (await refusal(address, query="model=nobody"))[1]["code"] == "model_not_found"
        assert (await refusal(address, query="intent=sing"))[1]["param"] == "intent"
        status, error = await refusal(address, query="model=home&conversation=no%20id")
        assert (status, error["param"]) == (400, "conversation")


async def test_browsers_show_their_key_as_a_sub_protocol_and_get_realtime() -> None:
    async with served(gateway_of(scripted_engines()), keyring=keyring()) as address:
        offered = ["realtime", f"openai-insecure-api-key.{KEY}", "openai-agents-sdk.0.1"]
        protocols = [websockets.Subprotocol(each) for each in offered]
        async with websockets.connect(websocket_url(address), subprotocols=protocols) as socket:
            assert socket.subprotocol == "realtime"
        only = [websockets.Subprotocol(f"openai-insecure-api-key.{KEY}")]
        async with websockets.connect(websocket_url(address), subprotocols=only) as socket:
            assert socket.subprotocol is None


async def test_a_key_may_have_so_many_sessions_at_once() -> None:
    limits = Limits(sessions_at_once=1)
    async with served(gateway_of(scripted_engines()), keyring=keyring(limits=limits)) as address:
        async with realtime(address, key=KEY):
            status, error = await refusal(address, KEY)
            assert (status, error["type"]) == (429, "rate_limit_error")
            async with realtime(address, key=OTHER):
                pass
        await asyncio.sleep(0.1)
        async with realtime(address, key=KEY):
            pass


async def test_there_are_so_many_sessions_in_all() -> None:
    async with served(gateway_of(scripted_engines(), "--realtime_sessions", "1")) as address, realtime(address):
        status, error = await refusal(address)
        assert (status, error["code"]) == (503, "service_unavailable")
        async with httpx.AsyncClient(base_url=address) as client:
            assert (await scrape(client)).value("realtime_sessions") == 1


async def test_answers_count_against_the_limits_of_the_key() -> None:
    limits = Limits(requests_per_minute=3)  # the session, and two answers
    async with served(gateway_of(scripted_engines()), keyring=keyring(limits=limits)) as address:
        async with realtime(address, key=KEY) as client:
            await client.update(output_modalities=["text"])
            await client.write("Hello?")
            assert (await client.answered())["status"] == "completed"
            (limit,) = (await client.until("rate_limits.updated"))["rate_limits"]
            assert (limit["name"], limit["limit"], limit["remaining"]) == ("requests", 3, 1)
            assert (await client.answered())["status"] == "completed"
            answer = await client.answered()
            assert answer["status"] == "failed"
            assert answer["status_details"]["error"]["code"] == "rate_limit_exceeded"


async def made_secret(address: str, body: dict[str, Any], key: str = KEY) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=address, headers={"authorization": f"Bearer {key}"}) as client:
        answer = await client.post("/v1/realtime/client_secrets", json=body)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made


async def test_a_client_secret_opens_sessions_of_its_configuration_only() -> None:
    ring = keyring()
    async with served(gateway_of(scripted_engines()), keyring=ring) as address:
        session = {"type": "realtime", "model": "gpt-realtime", "instructions": "Be brief."}
        made = await made_secret(address, {"session": session})
        assert made["value"].startswith("ek_")
        assert (made["session"]["type"], made["session"]["object"]) == ("realtime", "realtime.session")
        for _ in range(2):
            async with realtime(address, key=made["value"]) as client:
                assert client.events[0]["session"]["instructions"] == "Be brief."
        async with httpx.AsyncClient(base_url=address) as http:
            answer = await http.get("/v1/models", headers={"authorization": f"Bearer {made['value']}"})
            assert answer.status_code == 401
        ring.replace([Key(digests=(digest_of(OTHER),), caller=Caller(name="other"))])
        status, error = await refusal(address, made["value"])
        assert (status, error["code"]) == (401, "invalid_api_key")


async def test_a_client_secret_for_transcription() -> None:
    async with served(gateway_of(scripted_engines()), keyring=keyring()) as address:
        made = await made_secret(address, {"session": {"type": "transcription"}})
        async with realtime(address, key=made["value"], model=None) as client:
            assert client.events[0]["session"]["type"] == "transcription"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"expires_after": {"seconds": 5}}, "expires_after.seconds"),
        ({"session": {"type": "singing"}}, "session.type"),
        ({"session": {"type": "realtime", "audio": {"output": {"speed": 9}}}}, "session.audio.output.speed"),
    ],
)
async def test_a_client_secret_of_what_cannot_be(body: dict[str, Any], param: str) -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        answer = await client.post("/v1/realtime/client_secrets", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == param


async def test_a_session_ends_when_its_time_is_over() -> None:
    async with served(gateway_of(scripted_engines(), "--realtime_session_minutes", "0.01")) as address:
        async with websockets.connect(websocket_url(address)) as socket:
            errors, code, reason = await closed(socket)
    assert [error["code"] for error in errors] == ["session_expired"]
    assert (code, reason) == (1001, "session_expired")


async def test_a_silent_client_is_left() -> None:
    async with served(gateway_of(scripted_engines(), "--realtime_idle_seconds", "0.3")) as address:
        async with websockets.connect(websocket_url(address)) as socket:
            errors, code, _ = await closed(socket)
    assert ([error["code"] for error in errors], code) == (["session_idle"], 1001)


async def test_sessions_are_told_when_the_gateway_stops() -> None:
    gateway = gateway_of(scripted_engines())
    async with stoppable(gateway) as (address, stop):
        async with websockets.connect(websocket_url(address)) as socket:
            await socket.recv()
            stop()
            errors, code, _ = await closed(socket)
    assert ([error["code"] for error in errors], code) == (["server_shutdown"], 1012)


@asynccontextmanager
async def stoppable(gateway: Gateway) -> AsyncGenerator[tuple[str, Any], None]:
    """A served gateway, and what ends its server in order."""
    app = create_app(gateway)
    async with serving(app, gateway.settings, stop=gateway.stop) as (address, server):
        await until(lambda: gateway.state == "ready")

        def stop() -> None:
            server.should_exit = True

        yield address, stop


async def test_a_client_that_reads_nothing_is_left() -> None:
    async def talkative(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for _ in range(2_000):
            yield llm.TextDelta(text="x" * 4_000)
            await asyncio.sleep(0)
        yield llm.Finished(reason="stop", usage=None)

    engines: Any = scripted_engines(llm=scripted.language_model(talkative))
    gateway = gateway_of(engines, "--max_answer_characters", "10000000")
    async with served(gateway) as address:
        async with websockets.connect(websocket_url(address), max_queue=1) as socket:
            await socket.recv()
            await socket.send(json.dumps({"type": "session.update", "session": {"output_modalities": ["text"]}}))
            await socket.send(json.dumps({"type": "response.create"}))
            await until(lambda: engines.llm.opened == 1)
            await until(lambda: engines.llm.open == 0)
            _, code, _ = await closed(socket)
            assert code != 1000
