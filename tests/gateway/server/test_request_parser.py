"""What a request may look like, over a socket: ignored upgrades, bounds on heads, and what is no request at all."""

import json
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from gateway.server import limits
from tests.support.http_client import ROUTE
from tests.support.raw_client import HEALTHY, RawAnswer, RawConnection, chunked, request
from tests.support.server import gateway_of, question, scripted_engines, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

H2C = (
    "connection: Upgrade, HTTP2-Settings",
    "upgrade: h2c",
    "http2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
)
"""What Java's ``HttpClient`` sends with its first request to an ``http:`` address."""

KEPT = request("GET", "/health")
LAST = request("GET", "/health", "connection: close")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncGenerator[str, None]:
    async with served(gateway_of(scripted_engines())) as address:
        yield address


async def last_answer_to(address: str, *pieces: bytes) -> RawAnswer:
    return await (await RawConnection.open(address, *pieces)).last_answer()


def refusal(answer: RawAnswer, status: int) -> str:
    """The message of an answer that refuses and says everything an OpenAI client looks at."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-request-id"].startswith("req_")
    error = json.loads(answer.body)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return str(error["message"])


@pytest.mark.parametrize(
    "upgrade",
    [H2C, ("connection: upgrade", "upgrade: TLS/1.0"), ("connection: upgrade", "upgrade: websocket")],
    ids=["h2c", "tls", "websocket"],
)
async def test_a_body_beside_an_upgrade_is_read(address: str, upgrade: tuple[str, ...]) -> None:
    recording = question()
    asked = request("POST", ROUTE, "content-type: audio/wav", *upgrade, body=recording)
    connection = await RawConnection.open(address, asked[:100], asked[100:5000], asked[5000:], LAST)
    everything = await connection.rest()
    assert everything.startswith(b"HTTP/1.1 200 ")
    assert b"RIFF" in everything
    assert everything.endswith(HEALTHY), "the next request on the connection was lost"


async def test_such_a_body_may_come_in_chunks_and_wait_for_permission(address: str) -> None:
    headers = ("content-type: audio/wav", "transfer-encoding: chunked", "expect: 100-continue", *H2C)
    connection = await RawConnection.open(address, request("POST", ROUTE, *headers))
    assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await connection.send(chunked(question(), 7000) + LAST)
    everything = await connection.rest()
    assert everything.startswith(b"HTTP/1.1 200 ")
    assert b"RIFF" in everything
    assert everything.endswith(HEALTHY), "the next request on the connection was lost"


async def test_an_upgrade_without_a_body_is_ignored_too(address: str) -> None:
    answer = await last_answer_to(address, request("GET", "/health", *H2C) + LAST)
    assert answer.status == 200
    assert answer.body.endswith(HEALTHY)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request("GET", "/health?" + "x" * limits.MAX_TARGET_BYTES), 414),
        (request("GET", "/health", "x: " + "y" * limits.MAX_HEADER_BYTES), 431),
        (request("GET", "/health", *["x: y"] * limits.MAX_HEADERS), 431),
        (request("GET", "/health", *["x: " + "y" * 14_000] * 5), 431),
        (b"GET /" + b"x" * 1_000_000, 414),
        (b"GET /health HTTP/1.1\r\nx: " + b"y" * 1_000_000, 431),
        (b"GET /health HTTP/1.1\r\n" + b"y" * 1_000_000, 431),
        (b"GET /health HTTP/1.1\r\n" + b"x: y\r\n" * 100_000, 431),
    ],
    ids=["target", "header", "number", "together", "endless target", "endless value", "endless name", "endless number"],
)
async def test_a_head_has_bounds(address: str, asked: bytes, status: int) -> None:
    connection = await RawConnection.open(address)
    connection.writer.write(asked)  # the refusal comes before all is sent
    assert "at most" in refusal(await connection.last_answer(), status) or status == 414


@pytest.mark.parametrize("piece", [b"x: " + b"y" * 10_000, b"x: y\r\n" * 1000], ids=["one trailer", "many trailers"])
async def test_trailers_have_bounds(address: str, piece: bytes) -> None:
    start = request("POST", "/v1/audio/speech-to-speech", "content-type: audio/wav", "transfer-encoding: chunked")
    connection = await RawConnection.open(address, start, b"1\r\nx\r\n0\r\n")
    connection.writer.write(piece * 20)
    refusal(await connection.last_answer(), 431)


async def test_chunks_have_bounds_on_what_is_around_them(address: str) -> None:
    start = request("POST", "/v1/audio/speech-to-speech", "content-type: audio/wav", "transfer-encoding: chunked")
    connection = await RawConnection.open(address, start)
    connection.writer.write(b"1;x=" + b"y" * 200_000)
    refusal(await connection.last_answer(), 431)


async def test_a_body_in_the_smallest_chunks_is_read(address: str) -> None:
    headers = ("content-type: audio/wav", "transfer-encoding: chunked", "connection: close")
    answer = await last_answer_to(address, request("POST", ROUTE, *headers) + chunked(question(), 1))
    assert answer.status == 200


async def test_heads_up_to_the_bounds_are_taken(address: str) -> None:
    headers = ["x: " + "y" * 15_000] * 4 + ["z: 1"] * (limits.MAX_HEADERS - 6)
    answer = await last_answer_to(address, request("GET", "/health?" + "x" * 30_000, "connection: close", *headers))
    assert answer.status == 200


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS handshake", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (request("POST", ROUTE, "content-length: 3", "transfer-encoding: chunked") + b"0\r\n\r\n", 400),
        (request("POST", ROUTE, "content-length: 3", "content-length: 4") + b"abcd", 400),
        (request("CONNECT", "example.org:443"), 405),
        (request("GET", "http://[::1"), 400),
    ],
    ids=["TLS", "HTTP/2", "colon", "two framings", "two lengths", "CONNECT", "target"],
)
async def test_what_is_no_request_is_refused_in_openais_form(address: str, asked: bytes, status: int) -> None:
    assert refusal(await last_answer_to(address, asked), status)


async def test_what_is_malformed_behind_a_request_does_not_take_its_answer_away(address: str) -> None:
    answer = await last_answer_to(address, KEPT + b"nonsense\r\n\r\n")
    assert answer.status == 200
    assert HEALTHY + b"HTTP/1.1 400 Bad Request\r\n" in answer.body
