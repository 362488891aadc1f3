"""Requests that no client library would write: half sent, asking for permission, smuggling lines into headers."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
import pytest_asyncio

from gateway.http import form as form_reader
from tests.support.http_client import ROUTE, Bench, asked, benched, form
from tests.support.server import gateway_of, question, scripted_engines, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUT_FORM = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="q.wav"\r\n\r\nRIFF'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncGenerator[Bench, None]:
    async with benched(gateway_of(scripted_engines())) as bench:
        yield bench


async def exchange(bench: Bench, *pieces: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = bench.client.base_url
    reader, writer = await asyncio.open_connection(address.host, address.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    return reader, writer


def head(*headers: str, path: str = ROUTE) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "host: x", "connection: close", *headers, "", ""]).encode()


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, bytes]:
    """The head and the body of the answer."""
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    top, _, body = answer.partition(b"\r\n\r\n")
    return top.decode("latin-1").lower(), body


async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(bench: Bench) -> None:
    sent = await exchange(bench, head("content-type: audio/wav", f"content-length: {10**12}"))
    top, body = await answered(*sent)
    assert top.startswith("http/1.1 413 ")
    assert json.loads(body)["error"]["message"].endswith("exceeded (1000000000000 bytes read)")
    await until(bench.at_rest)


async def test_a_client_that_waits_for_permission_gets_it(bench: Bench) -> None:
    data = question()
    headers = ("content-type: AUDIO/WAV; rate=16000", f"content-length: {len(data)}", "expect: 100-continue")
    reader, writer = await exchange(bench, head(*headers))
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(data)
    top, body = await answered(reader, writer)
    assert top.startswith("http/1.1 200 ")
    assert b"RIFF" in body


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
    _, writer = await exchange(bench, started, CUT_FORM, bytes(2_000_000))
    writer.close()
    await writer.wait_closed()
    assert (await bench.client.post(ROUTE, **form())).status_code == 200
    await until(bench.at_rest)
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


@pytest.mark.parametrize("content_type", ["audio/wav", "application/json", "multipart/form-data; boundary=edge"])
async def test_a_body_that_takes_for_ever_gives_its_place_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, content_type: str
) -> None:
    monkeypatch.setattr(form_reader, "BODY_SECONDS", 0.05)
    sent = await exchange(bench, head(f"content-type: {content_type}", "content-length: 9000"), CUT_FORM)
    top, answer = await answered(*sent)
    assert top.startswith("http/1.1 408 ")
    assert json.loads(answer)["error"] == {
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
    sent = await exchange(bench, head("content-type: audio/wav", f"content-length: {len(data)}", path=target), data)
    top, _ = await answered(*sent)
    assert top.startswith("http/1.1 200 ")
    assert "\r\nset-cookie" not in top
    (line,) = [line for line in top.split("\r\n") if line.startswith("x-ignored-parameters: ")]
    assert line.isascii()
    assert "," not in line
