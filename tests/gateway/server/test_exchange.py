"""Answers as bytes: how their end is told, what HEAD gets, and what becomes of an application that misbehaves."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from gateway.server.exchange import Exchange
from gateway.server.request_parser import NO_HEAD
from gateway.settings.load import load
from tests.support.http_client import ROUTE
from tests.support.raw_client import HEALTHY, RawConnection, request
from tests.support.server import gateway_of, question, scripted_engines, served, serving

Application = Callable[[Any, Any, Any], Awaitable[None]]


def start(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": headers}


def body(data: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


@pytest_asyncio.fixture
async def gateway() -> AsyncGenerator[str, None]:
    async with served(gateway_of(scripted_engines())) as address:
        yield address


async def exchanged(app: Application, *pieces: bytes) -> bytes:
    """What a client hears of ``app`` until the connection is closed. Raises ``ConnectionError`` for a reset."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await app(scope, receive, send)

    async with serving(application, load([], {}).settings) as (address, _):
        return await (await RawConnection.open(address, *pieces)).rest()


async def streamed(_scope: Any, _receive: Any, send: Any) -> None:
    for message in (start(), body(b"one ", more=True), body(b"two", more=True), body()):
        await send(message)


class Wire:
    """A connection that notes each write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.ends = 0

    def write(self, data: bytes) -> bool:
        self.writes.append(data.partition(b"\r\n\r\n")[2] if data.startswith(b"HTTP/") else data)
        return True

    async def drain(self) -> None:
        pass

    def read_on(self, exchange: Exchange) -> None:
        pass

    def answered(self, exchange: Exchange) -> None:
        self.ends += 1

    def cut(self, exchange: Exchange) -> None:
        raise AssertionError("nothing goes wrong")


def exchange_on(wire: Wire) -> Exchange:
    scope: Any = {"type": "http", "http_version": "1.1"}
    return Exchange(wire, NO_HEAD, scope, ())


async def test_what_is_sent_in_one_step_goes_out_together_but_for_the_first_piece() -> None:
    wire = Wire()
    await exchange_on(wire).run(streamed)
    assert (wire.writes, wire.ends) == ([b"4\r\none \r\n", b"3\r\ntwo\r\n0\r\n\r\n"], 1)


async def test_a_piece_after_which_nothing_comes_yet_is_not_kept() -> None:
    wire = Wire()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start())
        await send(body(b"one", more=True))
        await send(body(b"two", more=True))
        await asyncio.sleep(0.01)
        assert len(wire.writes) == 2
        await send(body(b"three", more=True))
        assert exchange.offer(b"four")
        assert wire.writes[2] == b"5\r\nthree\r\n4\r\nfour\r\n", "in order, and what is offered at once"
        await send(body())

    exchange = exchange_on(wire)
    await exchange.run(slow)
    assert len(wire.writes) == 4


async def test_nothing_that_is_offered_ends_the_answer_and_nothing_is_where_no_body_may_be() -> None:
    async def offering(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start())
        assert exchange.offer(b"")
        assert exchange.offer(b"one")
        await send(body())

    for method, written in (("GET", b"3\r\none\r\n0\r\n\r\n"), ("HEAD", b"")):
        wire = Wire()
        scope: Any = {"type": "http", "http_version": "1.1"}
        exchange = Exchange(wire, msgspec.structs.replace(NO_HEAD, method=method), scope, ())
        await exchange.run(offering)
        assert b"".join(wire.writes) == written


async def test_http_1_0_is_answered_without_chunks(gateway: str) -> None:
    asked = request("POST", ROUTE, "content-type: audio/wav", body=question(), version="1.0")
    connection = await RawConnection.open(gateway, asked)
    answer = await connection.last_answer()
    assert answer.status == 200
    assert "transfer-encoding" not in answer.headers
    assert answer.headers["connection"] == "close"
    assert answer.body.startswith(b"RIFF")


async def test_http_1_0_hears_a_length_where_there_is_one(gateway: str) -> None:
    answer = await (await RawConnection.open(gateway, request("GET", "/health", version="1.0"))).last_answer()
    assert answer.body == HEALTHY
    assert answer.headers["content-length"] == str(len(HEALTHY))


async def test_chunks_tell_http_1_1_where_the_answer_ends() -> None:
    answered = await exchanged(streamed, request("GET", "/") + request("GET", "/", "connection: close"))
    assert answered.count(b"transfer-encoding: chunked\r\n") == 2
    assert answered.count(b"4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n") == 2


@pytest.mark.parametrize("path", ["/health", "/ready", "/v1/models", "/v1/models/none", "/nowhere"])
async def test_head_is_get_without_content(gateway: str, path: str) -> None:
    async with httpx.AsyncClient(base_url=gateway) as client:
        got, asked = await client.get(path), await client.head(path)
        again = await client.get(path)
    varying = {"x-request-id", "date", "openai-processing-ms"}
    assert asked.status_code == got.status_code == again.status_code
    assert {name: value for name, value in asked.headers.items() if name not in varying} == {
        name: value for name, value in got.headers.items() if name not in varying
    }
    assert asked.content == b""


async def test_head_of_a_stream_sends_nothing_of_it() -> None:
    answered = await exchanged(streamed, request("HEAD", "/", "connection: close"))
    assert answered.endswith(b"\r\n\r\n")
    assert b"one" not in answered


async def test_head_is_not_allowed_where_get_is_not(gateway: str) -> None:
    async with httpx.AsyncClient(base_url=gateway) as client:
        assert (await client.head(ROUTE)).status_code == 405


async def test_half_an_answer_looks_like_none(caplog: pytest.LogCaptureFixture) -> None:
    async def cut(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start())
        await send(body(b"half", more=True))

    answered = await exchanged(cut, request("GET", "/"))
    assert answered.endswith(b"4\r\nhalf\r\n"), "the last chunk is there"
    with pytest.raises(ConnectionResetError):
        await exchanged(cut, request("GET", "/", version="1.0"))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def failing(_scope: Any, _receive: Any, _send: Any) -> None:
    raise ValueError("my bank account is wxyz")


async def silent(_scope: Any, _receive: Any, _send: Any) -> None:
    pass


async def splitting(_scope: Any, _receive: Any, send: Any) -> None:
    await send(start((b"x", b"a\r\nset-cookie: b")))


async def misnaming(_scope: Any, _receive: Any, send: Any) -> None:
    await send(start((b"x: y\r\nset-cookie", b"a")))


async def disorderly(_scope: Any, _receive: Any, send: Any) -> None:
    await send(body(b"first"))


@pytest.mark.parametrize("app", [failing, silent, splitting, misnaming, disorderly])
async def test_an_application_that_fails_is_answered_for(app: Application, caplog: pytest.LogCaptureFixture) -> None:
    answered = await exchanged(app, request("GET", "/", "connection: close"))
    head, _, content = answered.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert json.loads(content)["error"]["type"] == "server_error"
    assert b"set-cookie" not in answered
    assert "failed unexpectedly" in caplog.text
    assert "wxyz" not in caplog.text


@pytest.mark.parametrize("sent", [b"too long", b"short"])
async def test_an_answer_is_as_long_as_it_says(sent: bytes) -> None:
    async def lying(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start((b"content-length", b"6")))
        await send(body(sent))

    answered = await exchanged(lying, request("GET", "/") + request("GET", "/"))
    assert answered.count(b"HTTP/1.1 ") == 1, "the next answer would be read as the rest of this one"


async def test_a_body_is_received_to_its_end_and_then_the_client_leaves() -> None:
    received: list[dict[str, Any]] = []

    async def reading(_scope: Any, receive: Any, send: Any) -> None:
        while not received or received[-1]["more_body"]:
            received.append(await receive())
        await send(start((b"content-length", b"0")))
        await send(body())
        received.append(await receive())

    await exchanged(reading, request("POST", "/", "connection: close", body=bytes(300_000)))
    *parts, end = received
    assert sum(len(part["body"]) for part in parts) == 300_000
    assert end == {"type": "http.disconnect"}
