"""Bodies in every encoding, over both transports; what they decompress to is bounded."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest

from adapters.upstream.body import Body, UnreadableBody, drain, kind_of
from tests.support.raw_server import plain_client
from tests.support.upstream_server import Exchange, Script, UpstreamServer, replies

TEXT = b"data: " + b"hello " * 1000
MEGABYTE = 1 << 20


@pytest.fixture(params=[plain_client, httpx.AsyncClient], ids=["our transport", "httpx's transport"])
async def http(request: pytest.FixtureRequest) -> AsyncGenerator[httpx.AsyncClient, None]:
    async with request.param() as client:
        yield client


@asynccontextmanager
async def answered(http: httpx.AsyncClient, script: Script) -> AsyncGenerator[httpx.Response, None]:
    async with UpstreamServer(script) as server, http.stream("GET", server.base_url) as response:
        yield response


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("identity", TEXT),
        ("", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT)),
        ("gzip, identity", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("gzip", gzip.compress(TEXT) + b"bytes after the end"),
    ],
)
async def test_one_layer_of_compression_is_read(http: httpx.AsyncClient, encoding: str, data: bytes) -> None:
    async with answered(http, replies(200, data, content_encoding=encoding)) as response:
        assert await Body(response).read_all(MEGABYTE) == TEXT


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT))),
        ("gzip,deflate", zlib.compress(gzip.compress(TEXT))),
        ("br", TEXT),
        ("zstd", TEXT),
        ("nonsense", TEXT),
        ("gzip", TEXT),
        ("deflate", raw_deflate(TEXT)),
        ("gzip", gzip.compress(TEXT)[:20] + b"nonsense"),
    ],
)
async def test_anything_else_is_refused(http: httpx.AsyncClient, encoding: str, data: bytes) -> None:
    async with answered(http, replies(200, data, content_encoding=encoding)) as response:
        with pytest.raises(UnreadableBody, match=r"compress"):
            await Body(response).read_all(MEGABYTE)


async def test_two_content_encoding_headers_are_two_layers(http: httpx.AsyncClient) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start(200, "text/event-stream\r\ncontent-encoding: gzip", content_encoding="gzip")
        await exchange.send(gzip.compress(gzip.compress(TEXT)))
        await exchange.finish()

    async with answered(http, script) as response:
        with pytest.raises(UnreadableBody, match="'gzip, gzip'"):
            await Body(response).read()


async def test_compressed_data_becomes_small_pieces(http: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b"a" * 16 * MEGABYTE)
    async with answered(http, replies(200, bomb, content_encoding="gzip")) as response:
        body = Body(response)
        tracemalloc.start()
        try:
            size = 0
            while piece := await body.read():
                size += len(piece)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert size == 16 * MEGABYTE
    assert peak < 2 * MEGABYTE


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_the_whole_body_has_a_limit(http: httpx.AsyncClient, encoding: str) -> None:
    text = b"a" * 3 * MEGABYTE
    data = gzip.compress(text) if encoding == "gzip" else text
    for limit, fits in ((3 * MEGABYTE, True), (3 * MEGABYTE - 1, False)):
        async with answered(http, replies(200, data, content_encoding=encoding)) as response:
            if fits:
                assert await Body(response).read_all(limit) == text
            else:
                with pytest.raises(UnreadableBody, match="too large"):
                    await Body(response).read_all(limit)


async def test_compressed_events_are_read_as_they_come(http: httpx.AsyncClient) -> None:
    steps: asyncio.Queue[bytes] = asyncio.Queue()

    async def script(exchange: Exchange) -> None:
        await exchange.start(content_encoding="gzip")
        while step := await steps.get():
            await exchange.send(step)
        await exchange.finish()

    compressor = zlib.compressobj(wbits=31)
    async with answered(http, script) as response:
        body = Body(response)
        for text in (b"one", b"two"):
            steps.put_nowait(compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))
            assert await body.read() == text
        steps.put_nowait(b"")
        assert await body.read() == b""
        assert await body.read() == b""


@pytest.mark.parametrize(
    ("pieces", "kind", "first"),
    [
        ((b'{"a"', b": 1}"), "json", b'{"a"'),
        ((b"\n\n", b"\xef\xbb", b"\xbf \r\n", b" [1"), "json", b"[1"),
        ((b"\n<html>",), "html", b"<html>"),
        ((b"data: {",), "events", b"data: {"),
        ((b"\n\n: ping",), "events", b": ping"),
        ((b" \n ",), "events", b""),
        ((), "events", b""),
    ],
)
async def test_the_first_bytes_tell_the_kind(pieces: tuple[bytes, ...], kind: str, first: bytes) -> None:
    remaining = iter(pieces)

    async def read() -> bytes:
        return next(remaining, b"")

    assert await kind_of(read) == (kind, first)


async def test_draining_stops_at_the_limit(http: httpx.AsyncClient) -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.start()
        while exchange.is_open:
            await exchange.send(b"x" * 100_000)

    async with answered(http, endless) as response:
        await drain(response, MEGABYTE)
