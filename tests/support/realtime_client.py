"""A client of /v1/realtime: the openai package's connection; events are checked as its strictest readers do."""

import asyncio
import base64
import wave
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import openai
import soxr
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.support.server import QUESTION
from tests.support.server_events import checked_frame

RATE = 24_000
FRAME_BYTES = RATE // 50 * 2
"""20 ms."""

SECONDS = 30.0
"""How long an event is waited for."""


class RealtimeClient:
    """One connection; ``events`` are all that came so far."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.events: list[dict[str, Any]] = []

    async def send(self, type_: str, **fields: Any) -> None:
        """Send an event."""
        await self.connection.send({"type": type_, **fields})  # type: ignore[arg-type]

    async def next(self) -> dict[str, Any]:
        """The next event."""
        async with asyncio.timeout(SECONDS):
            event = checked_frame(await self.connection.recv_bytes())
        self.events.append(event)
        return event

    async def until(self, type_: str) -> dict[str, Any]:
        """The next event of a type; what comes before it is in ``events``."""
        while True:
            if (event := await self.next())["type"] == type_:
                return event

    async def update(self, **session: Any) -> dict[str, Any]:
        """Change the configuration, and wait for it."""
        await self.send("session.update", session={"type": "realtime", **session})
        updated = await self.until("session.updated")
        configuration: dict[str, Any] = updated["session"]
        return configuration

    async def write(self, text: str, role: str = "user") -> None:
        """Add a message."""
        part = {"type": "input_text" if role != "assistant" else "output_text", "text": text}
        await self.send("conversation.item.create", item={"type": "message", "role": role, "content": [part]})
        await self.until("conversation.item.done")

    async def answered(self, **response: Any) -> dict[str, Any]:
        """Ask for an answer and wait for its end."""
        await self.send("response.create", response=response)
        done = await self.until("response.done")
        answer: dict[str, Any] = done["response"]
        return answer

    async def speak(self, pcm: bytes) -> None:
        """Send audio in frames of 20 ms, as fast as they are taken."""
        for start in range(0, len(pcm), FRAME_BYTES):
            await self.append(pcm[start : start + FRAME_BYTES])

    async def append(self, data: bytes) -> None:
        """Send audio in one event."""
        await self.send("input_audio_buffer.append", audio=base64.b64encode(data).decode())

    def audio(self) -> bytes:
        """The audio of all answers so far."""
        return b"".join(
            base64.b64decode(event["delta"]) for event in self.events if event["type"] == "response.output_audio.delta"
        )

    def types(self, *leaving_out: str) -> list[str]:
        """The types of all events so far, without repetitions in a row."""
        types = [event["type"] for event in self.events if event["type"] not in leaving_out]
        return [kind for number, kind in enumerate(types) if number == 0 or kind != types[number - 1]]


@asynccontextmanager
async def realtime(
    address: str, *, key: str = "sk-any-key-at-all-will-do", model: str | None = "gpt-realtime", **query: str
) -> AsyncGenerator[RealtimeClient, None]:
    """Connect to the gateway at ``address``; the session has begun."""
    async with openai.AsyncOpenAI(api_key=key, base_url=f"{address}/v1") as api:
        arguments: dict[str, Any] = {} if model is None else {"model": model}
        # Fifty at once on a machine that others use too take longer than the ten seconds that the package has.
        options: Any = {"open_timeout": 60}
        connecting = api.realtime.connect(**arguments, extra_query=query, websocket_connection_options=options)
        async with connecting as connection:
            client = RealtimeClient(connection)
            assert (await client.next())["type"] == "session.created"
            yield client


def spoken_question() -> bytes:
    """Two seconds of somebody asking something, s16le at 24 kHz."""
    with wave.open(str(QUESTION)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return bytes(soxr.resample(samples, file.getframerate(), RATE).astype("<i2").tobytes())


def silence(seconds: float) -> bytes:
    """Silence, s16le at 24 kHz."""
    return bytes(round(RATE * seconds) * 2)


def is_subsequence(wanted: Iterable[str], types: Iterable[str]) -> bool:
    """Whether ``wanted`` came in this order, with anything in between."""
    left = iter(types)
    return all(any(each == one for one in left) for each in wanted)
