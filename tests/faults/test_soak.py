"""Two hundred clients that connect and drop at random points of every surface leave nothing behind.

``SOAK_SECONDS`` sets for how long they do so, with keys and without (4 when unset).
"""

import asyncio
import gc
import os
import random
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from websockets.frames import Frame, Opcode

from adapters import scripted
from gateway.access.caller import Caller
from gateway.access.keys import Key, Keyring, digest_in, hash_of
from gateway.access.limits import Limits
from gateway.app import SURFACES
from gateway.engines.lifecycle import Gateway
from gateway.engines.queue import QueuedEngine, QueueLimits
from gateway.engines.route import STAGES
from tests.support import chat_client, echo_surface
from tests.support.http_client import ROUTE, form
from tests.support.metrics import scrape
from tests.support.server import gateway_of, question, scripted_engines, served, until

SECONDS = float(os.environ.get("SOAK_SECONDS", "4"))
CLIENTS = 200
MOST_GROWTH = 24 * 1024 * 1024
"""Bytes of memory: caches that fill once, and what the allocator keeps."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc"),
    pytest.mark.timeout(2 * SECONDS + 120),
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


PLAIN = "sk-key-of-the-phone-in-the-hall"
WRONG = "sk-key-of-nobody-at-all-in-here"
AT_ONCE = 20
"""Turns that the key may have at once."""

Requests = dict[str, tuple[str, str, dict[str, Any]]]
TEXT: dict[str, Any] = {"model": "echo", "input": "Hello."}
SPEECH: dict[str, Any] = {**TEXT, "voice": "alloy"}
REQUESTS: Requests = {
    "speech_to_speech": ("POST", ROUTE, form(fields={"conversation": "c"})),
    "speech_to_speech, events": ("POST", ROUTE, form(fields={"stream_format": "sse"})),
    "speech": ("POST", "/v1/audio/speech", {"json": SPEECH}),
    "speech, events": ("POST", "/v1/audio/speech", {"json": {**SPEECH, "stream_format": "sse"}}),
    "transcriptions": ("POST", "/v1/audio/transcriptions", form(fields={"model": "echo"})),
    "transcriptions, events": ("POST", "/v1/audio/transcriptions", form(fields={"model": "echo", "stream": "true"})),
    "chat_completions": ("POST", "/v1/chat/completions", chat_client.asked()),
    "chat_completions, events": ("POST", "/v1/chat/completions", chat_client.asked(stream=True)),
    "chat_completions, spoken": ("POST", "/v1/chat/completions", chat_client.asked(stream=True, **chat_client.SPOKEN)),
    "responses": ("POST", "/v1/responses", {"json": TEXT}),
    "responses, events": ("POST", "/v1/responses", {"json": {**TEXT, "stream": True}}),
    "responses, background": ("POST", "/v1/responses", {"json": {**TEXT, "background": True}}),
    "realtime": ("POST", "/v1/realtime/client_secrets", {"json": {"session": {"type": "realtime", "model": "echo"}}}),
    "conversations": ("POST", "/v1/conversations", {"json": {}}),
    "voices": ("GET", "/v1/audio/voices", {}),
    "models": ("GET", "/v1/models", {}),
    "usage": ("GET", "/v1/usage", {}),
    "health": ("GET", "/ready", {}),
    "metrics": ("GET", "/metrics", {}),
    "page": ("GET", "/", {}),
}


def test_every_surface_is_among_them() -> None:
    assert {name.partition(",")[0] for name in REQUESTS} == {surface.name for surface in SURFACES}


def on_the_wire() -> list[bytes]:
    """Every request as bytes, up to what differs from one to the next."""
    with httpx.Client(base_url="http://localhost", headers={"accept": "*/*"}) as client:
        built = [client.build_request(method, path, **sent) for method, path, sent in REQUESTS.values()]
    found = [*WEBSOCKETS]
    for each in built:
        each.read()
        lines = [f"{each.method} {each.url.raw_path.decode()} HTTP/1.1".encode()]
        lines += [name + b": " + value for name, value in each.headers.raw if name.lower() != b"connection"]
        found.append(b"\r\n".join(lines) + b"\r\n\r\n" + each.content)
    return found


def websocket(path: str, *messages: str) -> bytes:
    """A handshake, with what is sent behind it."""
    head = (
        f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    return head.encode() + b"".join(Frame(Opcode.TEXT, each.encode()).serialize(mask=True) for each in messages)


WEBSOCKETS = (
    websocket("/v1/echo", "hello"),
    websocket("/v1/realtime?model=echo", '{"type": "input_audio_buffer.commit"}', '{"type": "response.create"}'),
)


async def leave_early(address: str, requests: list[bytes], chance: random.Random) -> None:
    """Connect, send a part or all of a request, read a part or all of its answer, and go."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        first, mark, rest = chance.choice(requests).partition(b"\r\n")
        shown = chance.choice([f"authorization: Bearer {PLAIN}\r\n"] * 4 + [f"authorization: Bearer {WRONG}\r\n", ""])
        sent = first + mark + shown.encode() + rest
        point = chance.choice(["connected", "head", "body", "asked", "reading", "read"])
        if point == "connected":
            return
        cut = {"head": chance.randrange(1, 60), "body": chance.randrange(60, len(sent))}.get(point, len(sent))
        writer.write(sent[:cut])
        await writer.drain()
        if point in {"reading", "read"}:
            reads = chance.randrange(1, 30) if point == "reading" else 1_000
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
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
    requests = on_the_wire()
    count = 0

    async def client(number: int) -> None:
        nonlocal count
        chance = random.Random(number)
        while asyncio.get_running_loop().time() < ending:
            with suppress(ConnectionError):
                async with asyncio.timeout(30):
                    await leave_early(address, requests, chance)
            count += 1

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return count


def gateway() -> Gateway:
    """A gateway whose engines have queues."""
    engines = scripted_engines(
        stt=scripted.recogniser("what did you say", pause=0.01),
        llm=scripted.language_model(scripted.answering(*["Hello there. "] * 5, pause=0.005)),
        tts=scripted.synthesiser(scripted.ToneVoice(seconds_per_character=0.05)),
    )
    queued: dict[str, Any] = {}
    for stage in STAGES:
        if (engine := getattr(engines, stage)) is not None:
            engine.info = msgspec.structs.replace(engine.info, max_parallel=AT_ONCE)
            queued[stage] = QueuedEngine(stage, engine, QueueLimits(length=CLIENTS, seconds=30.0))
    return gateway_of(msgspec.structs.replace(engines, **queued), "--conversation_memory_mb", "2")


def keyring() -> Keyring:
    """One key, which may have a few turns at once, and is the operator's."""
    digest = digest_in(hash_of(PLAIN))
    assert digest is not None
    limits = Limits(turns_at_once=AT_ONCE)
    return Keyring([Key(digests=(digest,), caller=Caller(name="phone", admin=True, limits=limits))])


@pytest.mark.parametrize("keys", [None, keyring()], ids=["without keys", "with keys"])
async def test_clients_that_drop_at_random_points_leave_nothing_behind(keys: Keyring | None) -> None:
    serving = gateway()
    async with (
        served(serving, (*SURFACES, echo_surface.surface), keyring=keys) as address,
        httpx.AsyncClient(base_url=address, timeout=30, headers={"authorization": f"Bearer {PLAIN}"}) as client,
    ):
        await soak(address, min(5.0, SECONDS / 4))  # fills what is filled once
        await settled(client)
        before = Footprint.now()
        count = await soak(address, SECONDS)
        await settled(client)
        after = Footprint.now()
        states = [engine.state for stage in STAGES if (engine := getattr(serving.routes[0].engines, stage)) is not None]
        seen = await scrape(client)
    assert count > CLIENTS
    assert after.tasks <= before.tasks
    assert after.threads <= before.threads
    assert after.files <= before.files
    assert after.memory - before.memory < MOST_GROWTH
    assert [(state.running, state.waiting, state.coming) for state in states] == [(0, 0, 0)] * 3
    assert seen.value("turns_in_flight") == 0
    assert seen.value("at_once", kind="sessions") == 0


async def settled(client: httpx.AsyncClient) -> None:
    """Wait until nothing runs any more; then as many turns as the key may have at once are all answered."""
    before = -1
    async with asyncio.timeout(60):
        while (now := len(asyncio.all_tasks())) != before:
            before = now
            await asyncio.sleep(1)
    answers = await asyncio.gather(*(client.post(ROUTE, files={"file": question()}) for _ in range(AT_ONCE)))
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE
    await until(lambda: len(asyncio.all_tasks()) <= before)
