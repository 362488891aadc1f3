"""Bodies and long messages in memory have a bound: past it clients are told to come back, until there is room."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import httpx
import pytest
from websockets.frames import Frame, Opcode

from adapters import scripted
from adapters.contract import llm
from gateway.engines.lifecycle import Gateway
from tests.support.http_client import ROUTE, WAV, refused
from tests.support.raw_client import RawConnection, request
from tests.support.server import gateway_of, question, scripted_engines, served, until

LARGE = 26_000_000
"""Bytes of a recording of which two fit into the budget."""


def wav_of(size: int) -> bytes:
    """The question, followed by so much silence that it is ``size`` bytes long."""
    recording = bytearray(question())
    recording += bytes(size - len(recording))
    recording[4:8] = (size - 8).to_bytes(4, "little")
    start = recording.index(b"data") + 4
    recording[start : start + 4] = (size - start - 4).to_bytes(4, "little")
    return bytes(recording)


def small_gateway(model: scripted.Scripted[llm.Request, llm.Event, llm.Info] | None = None) -> Gateway:
    engines = scripted_engines() if model is None else scripted_engines(llm=model)
    return gateway_of(engines, "--request_memory_mb", "64", "--max_audio_seconds", "3000")


async def in_chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 1_000_000):
        yield data[start : start + 1_000_000]


async def test_a_body_too_many_is_refused_until_another_is_answered() -> None:
    release = asyncio.Event()

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        await release.wait()
        yield llm.TextDelta(text="At last.")
        yield llm.Finished(reason="stop", usage=None)

    model = scripted.language_model(script)
    recording = wav_of(LARGE)
    async with served(small_gateway(model)) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        first = [asyncio.create_task(client.post(ROUTE, content=recording, headers=WAV)) for _ in range(2)]
        await until(lambda: model.open == 2)
        for content in (recording, in_chunks(recording)):  # one says how long it is, the other does not
            answer = await client.post(ROUTE, content=content, headers=WAV)
            assert refused(answer, 503)["code"] == "service_unavailable"
            assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("1", "true")
        small = asyncio.create_task(client.post(ROUTE, content=question(), headers=WAV))
        await until(lambda: model.open == 3)
        release.set()
        assert [(await asked).status_code for asked in (*first, small)] == [200, 200, 200]
        again = await client.post(ROUTE, content=recording, headers=WAV)
    assert again.status_code == 200


async def test_a_body_that_is_only_announced_takes_no_room() -> None:
    async with served(small_gateway()) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        start = request("POST", ROUTE, "content-type: audio/wav", f"content-length: {LARGE}")
        idle = [await RawConnection.open(address, start) for _ in range(5)]
        assert (await client.post(ROUTE, content=wav_of(LARGE), headers=WAV)).status_code == 200
        for connection in idle:
            await connection.close()


@pytest.mark.parametrize("sent", [10_000_000, LARGE - 1])
async def test_a_client_that_leaves_gives_its_room_back(sent: int) -> None:
    async with served(small_gateway()) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        start = request("POST", ROUTE, "content-type: audio/wav", f"content-length: {LARGE}")
        for _ in range(8):
            connection = await RawConnection.open(address, start, bytes(sent))
            await connection.close()
        async with asyncio.timeout(30):
            while (await client.post(ROUTE, content=wav_of(LARGE), headers=WAV)).status_code == 503:
                pass  # the server hears of the last one a moment later


async def test_a_body_that_could_never_fit_is_refused_for_its_length() -> None:
    async with served(small_gateway()) as address:
        start = request("POST", ROUTE, "content-type: audio/wav", f"content-length: {10**12}")
        assert (await (await RawConnection.open(address, start)).last_answer()).status == 413


async def test_messages_of_websockets_that_have_not_ended_count_too() -> None:
    handshake = request(
        "GET",
        "/v1/realtime",
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    most = 22_000_000
    half = Frame(Opcode.TEXT, b"x" * most, fin=False).serialize(mask=True)
    async with served(small_gateway()) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        sockets = [await RawConnection.open(address, handshake) for _ in range(4)]
        for socket in sockets:
            await socket.reader.readuntil(b"\r\n\r\n")
        for socket in sockets[:2]:
            await socket.send(half)
        await sockets[2].send(half[:most])  # nor do those that come in one frame
        answer = await client.post(ROUTE, content=wav_of(LARGE), headers=WAV)
        assert refused(answer, 503)["code"] == "service_unavailable"
        with contextlib.suppress(ConnectionError):
            await sockets[3].send(half[: most // 2])
        await sockets[3].closed()
        for socket in sockets[:3]:
            await socket.close()
        async with asyncio.timeout(30):
            while (await client.post(ROUTE, content=wav_of(LARGE), headers=WAV)).status_code == 503:
                pass  # the server hears of the last one a moment later
