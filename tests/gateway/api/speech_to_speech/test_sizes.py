"""How large a request may be: one byte more is refused in OpenAI's words, however it is sent."""

import base64
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.http.form import MAX_AUDIO_BYTES, MAX_BODY_BYTES
from tests.support.http_client import JSON, ROUTE, WAV, Bench, asked, benched, form, raw, refused
from tests.support.server import gateway_of, question, scripted_engines

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncGenerator[Bench, None]:
    async with benched(gateway_of(scripted_engines())) as bench:
        yield bench


def as_form(data: bytes) -> dict[str, Any]:
    return {"files": {"file": ("q.wav", data)}}


def as_json(data: bytes) -> dict[str, Any]:
    return raw(b'{"input_audio": {"data": "' + base64.b64encode(data) + b'"}}', JSON)


def as_body(data: bytes) -> dict[str, Any]:
    return raw(data, WAV)


@pytest.mark.parametrize("sent", [as_form, as_json, as_body])
async def test_one_byte_more_than_25_mib_is_too_large(bench: Bench, sent: Any) -> None:
    error = refused(await bench.client.post(ROUTE, **sent(bytes(MAX_AUDIO_BYTES + 1))), 413)
    assert error["message"] == "413: Maximum content size limit (26214400) exceeded (26214401 bytes read)"
    assert error["type"] == "server_error"
    error = refused(await bench.client.post(ROUTE, **sent(bytes(MAX_AUDIO_BYTES))), 400)
    assert "Invalid file format" in error["message"]


async def test_a_large_picture_is_refused_too(bench: Bench) -> None:
    picture = ("i.png", bytes(MAX_AUDIO_BYTES + 1), "image/png")
    files = {"file": ("q.wav", question(), "audio/wav"), "image": picture}
    assert "26214401 bytes" in refused(await bench.client.post(ROUTE, files=files), 413)["message"]


async def test_bodies_beyond_the_limit_are_refused_in_the_same_words(bench: Bench) -> None:
    body = b'{"input_audio": {"data": ""}, "x": "' + bytes(MAX_BODY_BYTES) + b'"}'

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    error = refused(await bench.client.post(ROUTE, content=body, headers=JSON), 413)
    assert error["message"] == f"413: Maximum content size limit (37748736) exceeded ({len(body)} bytes read)"
    assert error["type"] == "server_error"
    chunked = refused(await bench.client.post(ROUTE, content=chunks(), headers=JSON), 413)
    assert chunked["message"].startswith("413: Maximum content size limit (37748736) exceeded (")


async def test_the_largest_body_is_taken(bench: Bench) -> None:
    start = b'{"input_audio": {"data": ""}, "voice": "'
    body = start + b"a" * (MAX_BODY_BYTES - len(start) - 2) + b'"}'
    assert len(body) == MAX_BODY_BYTES
    error = refused(await bench.client.post(ROUTE, content=body, headers=JSON), 400)
    assert error["param"] == "voice"
    assert len(error["message"]) <= 2001, "the whole field came back"


async def test_a_form_may_have_hundreds_of_parts(bench: Bench) -> None:
    response = await bench.client.post(ROUTE, **form(fields={f"p{number}": "x" for number in range(500)}))
    assert response.status_code == 200


async def test_a_thousand_unknown_parameters_fit_into_one_header(bench: Bench) -> None:
    response = await bench.client.post(ROUTE, **asked(**{f"unknown_{number}": 1 for number in range(1000)}))
    assert response.status_code == 200
    listed = response.headers["x-ignored-parameters"]
    assert listed.startswith("unknown_0, unknown_1, ")
    assert 1000 < len(listed) <= 1500
