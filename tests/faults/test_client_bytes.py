"""Everything that reads bytes of clients, with bytes that nobody would send: refused in order, read in any pieces."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from litestar.exceptions import HTTPException
from websockets.frames import Frame, Opcode

from adapters.contract.errors import InvalidRequest
from adapters.remote_media.data_urls import decoded
from adapters.remote_media.media_urls import remote_urls, with_urls
from gateway.app import SURFACES
from gateway.server.forwarded import TrustedProxies
from gateway.server.request_parser import RequestHead, RequestParser
from tests.support import echo_surface
from tests.support.raw_client import chunked, request
from tests.support.threaded_gateway import threaded_gateway

few = settings(max_examples=60, derandomize=True, deadline=None, database=None, phases=[Phase.generate])

TEXT = request("POST", "/v1/chat/completions", "content-type: application/json", body=b'{"messages": []}')
REQUESTS = (
    request("GET", "/health"),
    request("GET", "/v1/models/%20?a=%ff"),
    TEXT,
    request("POST", "/v1/responses", "content-type: application/json", body=b'{"input": "hi", "stream": true}'),
    request("POST", "/v1/audio/speech-to-speech", "content-type: multipart/form-data; boundary=b", body=b"--b\r\n\r\n"),
    request("POST", "/v1/audio/transcriptions", "transfer-encoding: chunked") + chunked(b"RIFF" * 20, 7),
)
WEBSOCKET = request(
    *("GET", "/v1/echo", "connection: Upgrade", "upgrade: websocket"),
    *("sec-websocket-version: 13", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="),
)


class Seen:
    """What a parser tells of."""

    def __init__(self) -> None:
        self.heads: list[RequestHead] = []
        self.body = b""
        self.ended = 0

    def request_begins(self) -> None:
        pass

    def head_received(self, head: RequestHead) -> None:
        head.path()
        self.heads.append(head)

    def body_received(self, data: bytes) -> None:
        self.body += data

    def request_received(self) -> None:
        self.ended += 1

    def upgraded(self, head: RequestHead, rest: bytes) -> bool:
        return False


def read(*pieces: bytes) -> tuple[list[RequestHead], bytes, int]:
    seen = Seen()
    parser = RequestParser(seen)
    for piece in pieces:
        parser.feed(piece)
    return seen.heads, seen.body, seen.ended


@few
@given(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=3).map(b"".join), st.data())
def test_requests_are_the_same_in_any_pieces(sent: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=20)))
    pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert read(*pieces) == read(sent)


@few
@given(st.binary(max_size=300) | st.sampled_from(REQUESTS).flatmap(lambda sent: st.permutations(sent).map(bytes)))
def test_bytes_of_any_kind_are_requests_or_refused(sent: bytes) -> None:
    with suppress(HTTPException):
        read(sent)


@few
@given(st.lists(st.binary(max_size=60), max_size=4), st.sampled_from([("*",), ("10.0.0.0/8",), ("127.0.0.1", "::1")]))
def test_forwarded_headers_of_any_kind_name_a_client(values: list[bytes], networks: tuple[str, ...]) -> None:
    headers = [(b"x-forwarded-for", value) for value in values]
    address, _ = TrustedProxies(networks).client(("127.0.0.1", 1), headers) or ("", 0)
    assert address


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["image_url", "url", "video_url", "_url", "content"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@few
@given(st.text(max_size=60) | st.text(max_size=40).map("data:image/png;base64,{}".format))
def test_data_urls_of_any_kind(url: str) -> None:
    with suppress(InvalidRequest):
        decoded(url)


@few
@given(JSON)
def test_media_in_json_of_any_kind(value: Any) -> None:
    urls = {each.url: f"data:,{each.url}" for each in remote_urls(value, "messages")}
    assert not list(remote_urls(with_urls(value, urls), "messages"))


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with threaded_gateway(surfaces=(*SURFACES, echo_surface.surface)) as where:
        url = urlsplit(where)
        yield str(url.hostname), int(url.port or 0)


def answered(address: tuple[str, int], sent: bytes) -> bytes:
    """What the server says to ``sent``, after which nothing more comes."""
    with socket.create_connection(address, timeout=20) as connection, suppress(ConnectionError):
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while data := connection.recv(65_536):
            said += data
        return said
    return b""


def damaged(sent: bytes) -> st.SearchStrategy[bytes]:
    """``sent`` with some of its bytes changed, lost or doubled."""
    change = st.tuples(
        st.integers(0, len(sent) - 1), st.sampled_from(["change", "lose", "double"]), st.binary(min_size=1, max_size=2)
    )

    def apply(changes: list[tuple[int, str, bytes]]) -> bytes:
        result = bytearray(sent)
        for place, kind, data in changes:
            at = min(place, len(result))
            result[at : at + (0 if kind == "double" else 1)] = b"" if kind == "lose" else data
        return bytes(result)

    return st.lists(change, min_size=1, max_size=4).map(apply)


@few
@given(st.sampled_from(REQUESTS).flatmap(damaged))
def test_damaged_requests_are_never_answered_with_500(address: tuple[str, int], sent: bytes) -> None:
    assert b"HTTP/1.1 500" not in answered(address, sent)


FRAMES = st.builds(
    lambda opcode, data, fin: Frame(opcode, data, fin=fin or opcode >= Opcode.CLOSE).serialize(mask=True),
    st.sampled_from(list(Opcode)),
    st.binary(max_size=100),
    st.booleans(),
)


@few
@given(st.lists(FRAMES | st.binary(max_size=20), max_size=5).map(b"".join))
def test_frames_of_any_kind_are_answered_or_end_the_websocket(address: tuple[str, int], sent: bytes) -> None:
    assert answered(address, WEBSOCKET + sent).startswith(b"HTTP/1.1 101 ")


@few
@given(damaged(WEBSOCKET))
def test_damaged_handshakes_are_never_answered_with_500(address: tuple[str, int], sent: bytes) -> None:
    assert b"HTTP/1.1 500" not in answered(address, sent)
