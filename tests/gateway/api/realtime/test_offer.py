"""Offers as clients send them: what is read of them, and what is said of those that cannot be."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar, Request, post

from gateway.api.realtime.offer import MOST_BYTES, read_offer
from gateway.http.errors import answer_error

SDP = "v=0\r\n"
SESSION = {"type": "realtime", "model": "gpt-realtime"}


@post("/", media_type="application/json")
async def echo(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """What was read."""
    found: dict[str, Any] = msgspec.to_builtins(await read_offer(request))
    return found


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient, None]:
    app: Any = Litestar([echo], exception_handlers={Exception: answer_error}, logging_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        yield client


ACCEPTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sdp": ({"content": SDP, "headers": {"content-type": "application/sdp"}}, {}),
    "text": ({"content": SDP, "headers": {"content-type": "text/plain;charset=UTF-8"}}, {}),
    "no type": ({"content": SDP}, {}),
    "json": ({"json": {"sdp": SDP, "session": SESSION}}, SESSION),
    "json without a session": ({"json": {"sdp": SDP, "session": None}}, {}),
    "json in json": ({"json": {"sdp": SDP, "session": msgspec.json.encode(SESSION).decode()}}, SESSION),
    "form": ({"files": {"sdp": (None, SDP), "session": (None, msgspec.json.encode(SESSION))}}, SESSION),
    "files": ({"files": {"sdp": ("a.sdp", SDP), "session": ("a.json", msgspec.json.encode(SESSION))}}, SESSION),
}


@pytest.mark.parametrize("name", ACCEPTED)
async def test_offers_are_read(http: httpx.AsyncClient, name: str) -> None:
    request, session = ACCEPTED[name]
    assert (await http.post("/", **request)).json() == {"sdp": SDP, "session": session}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"headers": {"content-type": "application/sdp"}}, "sdp"),
    "too long": ({"content": SDP * MOST_BYTES}, "sdp"),
    "no text": ({"json": {"sdp": 1}}, "sdp"),
    "no sdp": ({"json": {"session": SESSION}}, "sdp"),
    "no json": ({"json": {"sdp": SDP, "session": "{"}}, "session"),
    "deep json": ({"json": {"sdp": SDP, "session": "[" * 100_000}}, "session"),
    "a list": ({"json": {"sdp": SDP, "session": [1]}}, "session"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_offer_is_refused(http: httpx.AsyncClient, name: str) -> None:
    request, param = REFUSED[name]
    answer = await http.post("/", **request)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
