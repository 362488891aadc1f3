"""Requests to the speech-to-speech route in all their forms, and what every refusal looks like."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from gateway.engines.lifecycle import Gateway
from tests.support.server import question, served

ROUTE = "/v1/audio/speech-to-speech"
WAV = {"content-type": "audio/wav"}
JSON = {"content-type": "application/json"}
FROM_ELSEWHERE = {
    "cache-control",
    "content-disposition",
    "content-length",
    "content-type",
    "date",
    "server",
    "transfer-encoding",
    "x-accel-buffering",
}
"""Headers that are those of any HTTP server."""


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """A served gateway, a client of it, its engines, and how many tasks there are when nobody asks anything."""

    client: httpx.AsyncClient
    engines: Any
    tasks: int

    def at_rest(self) -> bool:
        """Nothing is left of earlier requests; connections that are kept open have no task of their own."""
        opened = [self.engines.stt.open, self.engines.llm.open, self.engines.tts.open]
        return opened == [0, 0, 0] and len(asyncio.all_tasks()) <= self.tasks


@asynccontextmanager
async def benched(gateway: Gateway) -> AsyncGenerator[Bench, None]:
    """Serve ``gateway``, whose first route's engines are scripted."""
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        await client.get("/health")
        yield Bench(client=client, engines=gateway.routes[0].engines, tasks=len(asyncio.all_tasks()))


def form(data: bytes | None = None, fields: dict[str, str] | None = None) -> dict[str, Any]:
    """A form with a recording."""
    return {"files": {"file": ("q.wav", question() if data is None else data, "audio/wav")}, "data": fields}


def asked(**fields: Any) -> dict[str, Any]:
    """A JSON body with a recording."""
    return {"json": {"input_audio": {"data": base64.b64encode(question()).decode(), "format": "wav"}, **fields}}


def raw(content: bytes, headers: dict[str, str], query: str = "") -> dict[str, Any]:
    return {"content": content, "headers": headers, "params": query}


def tool_result(**message: Any) -> list[dict[str, Any]]:
    call = {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    return [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "content": "noon", **message}]


def refused(response: httpx.Response, status: int) -> dict[str, Any]:
    """The error in ``response``, which has all that an OpenAI client looks at."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    assert response.headers["x-request-id"].startswith("req_")
    assert response.json().keys() == {"error"}
    error: dict[str, Any] = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return error
