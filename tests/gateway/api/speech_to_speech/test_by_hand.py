"""Requests that no client library would write: half sent, asking for permission, smuggling lines into headers."""

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
import pytest_asyncio

from gateway.http import form as form_reader
from tests.support.http_client import ROUTE, Bench, asked, benched, form, refused
from tests.support.raw_client import RawConnection, request
from tests.support.server import gateway_of, question, scripted_engines, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUT_FORM = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="q.wav"\r\n\r\nRIFF'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncGenerator[Bench, None]:
    async with benched(gateway_of(scripted_engines())) as bench:
        yield bench


async def opened(bench: Bench, *pieces: bytes) -> RawConnection:
    return await RawConnection.open(str(bench.client.base_url), *pieces)


def head(*headers: str, path: str = ROUTE) -> bytes:
    return request("POST", path, "connection: close", *headers)


async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(bench: Bench) -> None:
    connection = await opened(bench, head("content-type: audio/wav", f"content-length: {10**12}"))
    answer = await connection.last_answer()
    assert answer.status == 413
    assert json.loads(answer.body)["error"]["message"].endswith("exceeded (1000000000000 bytes read)")
    await until(bench.at_rest)


async def test_a_client_that_waits_for_permission_gets_it(bench: Bench) -> None:
    data = question()
    headers = ("content-type: AUDIO/WAV; rate=16000", f"content-length: {len(data)}", "expect: 100-continue")
    connection = await opened(bench, head(*headers))
    async with asyncio.timeout(10):
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await connection.send(data)
    answer = await connection.last_answer()
    assert answer.status == 200
    assert b"RIFF" in answer.body


async def test_a_recording_comes_in_chunks_of_unknown_number(bench: Bench) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        data = question()
        for start in range(0, len(data), 10_000):
            yield data[start : start + 10_000]

    response = await bench.client.post(ROUTE, content=chunks(), headers={"content-type": "application/octet-stream"})
    assert response.status_code == 200
    assert response.content[:4] == b"RIFF"


@pytest.mark.parametrize("content_type", ["Multipart/Form-Data; Boundary=edge", 'multipart/form-data; boundary="edge"'])
async def test_content_types_are_read_as_the_standard_says(bench: Bench, content_type: str) -> None:
    part = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="q.wav"\r\n\r\n%s\r\n--edge--\r\n'
    response = await bench.client.post(ROUTE, content=part % question(), headers={"content-type": content_type})
    assert response.status_code == 200


async def test_json_may_name_its_encoding(bench: Bench) -> None:
    content = json.dumps(asked()["json"]).encode()
    headers = {"content-type": "Application/JSON; Charset=UTF-8"}
    assert (await bench.client.post(ROUTE, content=content, headers=headers)).status_code == 200


async def test_a_client_that_leaves_while_it_sends_is_no_failure(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    started = head("content-type: multipart/form-data; boundary=edge", "content-length: 9000000")
    connection = await opened(bench, started, CUT_FORM, bytes(2_000_000))
    await connection.close()
    assert (await bench.client.post(ROUTE, **form())).status_code == 200
    await until(bench.at_rest)
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


@pytest.mark.parametrize("content_type", ["audio/wav", "application/json", "multipart/form-data; boundary=edge"])
async def test_a_body_that_takes_for_ever_gives_its_place_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, content_type: str
) -> None:
    monkeypatch.setattr(form_reader, "BODY_SECONDS", 0.05)
    connection = await opened(bench, head(f"content-type: {content_type}", "content-length: 9000"), CUT_FORM)
    answer = await connection.last_answer()
    assert answer.status == 408
    assert json.loads(answer.body)["error"] == {
        "message": "The body of the request did not arrive within 0.05 seconds; send a smaller recording.",
        "type": "invalid_request_error",
        "param": None,
        "code": "request_timeout",
    }
    await until(bench.at_rest)


@pytest.mark.parametrize("name", ["x%0d%0aset-cookie:%20a", "%e5%90%8d", "a,b", "%ff%00"])
async def test_names_of_unknown_parameters_cannot_write_headers(bench: Bench, name: str) -> None:
    target = f"{ROUTE}?{name}=1"
    data = question()
    headers = ("content-type: audio/wav", f"content-length: {len(data)}")
    answer = await (await opened(bench, head(*headers, path=target), data)).last_answer()
    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    named = answer.headers["x-ignored-parameters"]
    assert named.isascii()
    assert "," not in named


@pytest.mark.parametrize("encoding", ["gzip", "Deflate", "br", "gzip, gzip", "identity, gzip"])
@pytest.mark.parametrize("content_type", ["audio/wav", "application/json", "multipart/form-data; boundary=edge"])
async def test_a_compressed_body_is_refused_as_such(bench: Bench, content_type: str, encoding: str) -> None:
    headers = {"content-type": content_type, "content-encoding": encoding}
    response = await bench.client.post(ROUTE, content=gzip.compress(question()), headers=headers)
    assert "content encoding" in refused(response, 415)["message"]
    assert response.headers["accept-encoding"] == "identity"


async def test_a_body_may_say_that_it_is_not_compressed(bench: Bench) -> None:
    headers = {"content-type": "audio/wav", "content-encoding": "identity"}
    assert (await bench.client.post(ROUTE, content=question(), headers=headers)).status_code == 200


async def test_a_body_that_is_left_unread_ends_its_connection_only(bench: Bench) -> None:
    """A body that comes with its request may stay unread: what follows is read as what it is."""
    asked = request("POST", "/nowhere", body=b"GET /health HTTP/1.1") + request("GET", "/ready", "connection: close")
    everything = await (await opened(bench, asked)).rest()
    assert everything.startswith(b"HTTP/1.1 404 ")
    assert b'"status":"ok"' not in everything
