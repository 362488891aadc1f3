"""Prints what a session costs the gateway over WebRTC and over a WebSocket: processor time, listening and speaking.

Run as ``python -m tests.bench.calls``; see the README beside it.
"""

import asyncio
import base64
import json
import socket
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aioice.ice
import httpx
import websockets
from litestar import get

from adapters import scripted
from adapters.contract import llm
from gateway.app import create_app
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import ServedRoute
from gateway.server.server import GatewayServer
from gateway.settings.load import load
from tests.bench.processes import running, wait_until_ready
from tests.support.call_client import CallClient, calling
from tests.support.realtime_client import silence
from tests.support.server import scripted_engines

SESSIONS = 8
SECONDS = 10.0
FRAME = base64.b64encode(silence(0.02)).decode()
STORY = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Tell me a story."}]}

Say = Callable[[str, dict[str, Any]], Awaitable[None]]
"""Sends an event of a session: its type, and its fields."""


@get("/cpu", include_in_schema=False)
async def cpu() -> float:
    """Seconds of processor time that this process has used, all threads together."""
    return time.process_time()


def serve() -> None:
    """Serve sessions whose answers do not end until the process is."""

    async def story(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for number in range(100_000):
            yield llm.TextDelta(text=f"This is sentence number {number}. ")
            await asyncio.sleep(0.5)
        yield llm.Finished(reason="stop", usage=None)

    loaded = load([], {})
    engines = scripted_engines(llm=scripted.language_model(story))
    app = create_app(Gateway(loaded.settings, [ServedRoute(route=loaded.routes[0], engines=engines)]))
    app.register(cpu)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        GatewayServer(app, loaded.settings).run(sockets=[listener])


@asynccontextmanager
async def over_websocket(address: str) -> AsyncGenerator[Say, None]:
    """A session that sends 20 ms of silence every 20 ms, and reads what it is sent."""
    async with websockets.connect(f"{address.replace('http', 'ws', 1)}/v1/realtime", max_size=None) as connection:

        async def speak() -> None:
            loop = asyncio.get_running_loop()
            start, sent = loop.time(), 0
            frame = json.dumps({"type": "input_audio_buffer.append", "audio": FRAME})
            while True:
                await asyncio.sleep(max(0.0, start + sent * 0.02 - loop.time()))
                await connection.send(frame)
                sent += 1

        async def listen() -> None:
            async for _ in connection:
                pass

        async def say(type_: str, fields: dict[str, Any]) -> None:
            await connection.send(json.dumps({"type": type_, **fields}))

        tasks = [asyncio.create_task(speak()), asyncio.create_task(listen())]
        try:
            yield say
        finally:
            for task in tasks:
                task.cancel()


@asynccontextmanager
async def over_webrtc(address: str) -> AsyncGenerator[Say, None]:
    """A call; its microphone is silent."""
    async with calling(address) as client:
        yield _sender(client)


def _sender(client: CallClient) -> Say:
    async def say(type_: str, fields: dict[str, Any]) -> None:
        client.send(type_, **fields)

    return say


WAYS = {"WebSocket": over_websocket, "WebRTC": over_webrtc}


async def measured(address: str, way: str, sessions: int, seconds: float) -> tuple[float, float]:
    """Milliseconds of processor time a second of one session, while it listens and while it speaks too."""
    async with httpx.AsyncClient(base_url=address) as http, AsyncExitStack() as opened:

        async def used() -> float:
            before = float((await http.get("/cpu")).text)
            await asyncio.sleep(seconds)
            return (float((await http.get("/cpu")).text) - before) / seconds / sessions * 1000

        idle = await used() * sessions
        says = [await opened.enter_async_context(WAYS[way](address)) for _ in range(sessions)]
        await asyncio.sleep(1)
        listening = await used()
        for say in says:
            await say("conversation.item.create", {"item": STORY})
            await say("response.create", {})
        await asyncio.sleep(2)
        return listening - idle / sessions, await used() - idle / sessions


async def table(sessions: int = SESSIONS, seconds: float = SECONDS) -> list[str]:
    """A row for every way."""
    lines = ["| way | listening, ms of CPU a second | speaking too |", "|---|--:|--:|"]
    for way in WAYS:
        with running("calls", "serve") as gateway:
            port = int(gateway.line())
            wait_until_ready(port)
            listening, speaking = await measured(f"http://127.0.0.1:{port}", way, sessions, seconds)
        lines.append(f"| {way} | {listening:.1f} | {speaking:.1f} |")
    return lines


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
        quick = sys.argv[1:] == ["--quick"]
        print("\n".join(asyncio.run(table(2, 1.0) if quick else table())))
