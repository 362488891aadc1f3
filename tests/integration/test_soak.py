"""Two hundred clients that connect and drop at random points leave nothing behind.

``SOAK_SECONDS`` sets how long they do so (60 when unset).
"""

import asyncio
import gc
import os
import random
import sys
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from adapters import scripted
from gateway.engines.lifecycle import Gateway
from tests.support.http_client import ROUTE
from tests.support.server import gateway_of, question, scripted_engines, served

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
CLIENTS = 200
MOST_GROWTH = 24 * 1024 * 1024
"""Bytes of memory: caches that fill once, and what the allocator keeps."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc"),
    pytest.mark.timeout(SECONDS + 120),
]


class Footprint(msgspec.Struct, frozen=True, kw_only=True):
    """What a process holds."""

    tasks: int
    threads: int
    files: int
    memory: int

    @classmethod
    def now(cls) -> "Footprint":
        gc.collect()
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - without a file of its own being open
        return cls(tasks=len(asyncio.all_tasks()), threads=threading.active_count(), files=files, memory=resident)


def request(fields: dict[str, str]) -> bytes:
    """A form with a recording, as bytes on the wire."""
    parts = [f'--b\r\ncontent-disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    file = b'--b\r\ncontent-disposition: form-data; name="file"; filename="q.wav"\r\n\r\n' + question() + b"\r\n"
    body = b"".join([*parts, file, b"--b--\r\n"])
    head = f"POST {ROUTE} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    head += "content-type: multipart/form-data; boundary=b\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def leave_early(address: str, chance: random.Random) -> None:
    """Connect, send a part or all of a request, read a part or all of its answer, and go."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        fields = {"conversation": f"c{chance.randrange(40)}", "stream_format": chance.choice(["sse", "audio"])}
        sent = request(fields)
        point = chance.choice(["connected", "head", "body", "asked", "reading", "read"])
        if point == "connected":
            return
        cut = {"head": chance.randrange(1, 60), "body": chance.randrange(200, len(sent))}.get(point, len(sent))
        writer.write(sent[:cut])
        await writer.drain()
        if point in {"reading", "read"}:
            reads = chance.randrange(1, 30) if point == "reading" else 10_000
            while reads and await reader.read(2_000):
                reads -= 1
        await asyncio.sleep(chance.random() * 0.2)
    finally:
        if chance.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def soak(address: str, seconds: float) -> int:
    """How many connections ``CLIENTS`` clients made in so many seconds."""
    ending = asyncio.get_running_loop().time() + seconds
    count = 0

    async def client(number: int) -> None:
        nonlocal count
        chance = random.Random(number)
        while asyncio.get_running_loop().time() < ending:
            with suppress(ConnectionError):
                async with asyncio.timeout(30):
                    await leave_early(address, chance)
            count += 1

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return count


def gateway() -> Gateway:
    return gateway_of(
        scripted_engines(
            stt=scripted.recogniser("what did you say", pause=0.01),
            llm=scripted.language_model(scripted.answering(*["Hello there. "] * 5, pause=0.005)),
            tts=scripted.synthesiser(scripted.ToneVoice(seconds_per_character=0.05)),
        ),
        "--conversation_memory_mb",
        "2",
    )


async def test_clients_that_drop_at_random_points_leave_nothing_behind() -> None:
    async with served(gateway()) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        await soak(address, min(5.0, SECONDS / 4))  # fills what is filled once
        await settled(client)
        before = Footprint.now()
        count = await soak(address, SECONDS)
        await settled(client)
        after = Footprint.now()
    assert count > CLIENTS
    assert after.tasks <= before.tasks
    assert after.threads <= before.threads
    assert after.files <= before.files
    assert after.memory - before.memory < MOST_GROWTH


async def settled(client: httpx.AsyncClient) -> None:
    """Wait until the gateway answers as if nothing had been, and nothing runs any more."""
    response = await client.post(ROUTE, files={"file": question()})
    assert response.status_code == 200
    before = -1
    async with asyncio.timeout(60):
        while (now := len(asyncio.all_tasks())) != before:
            before = now
            await asyncio.sleep(1)
