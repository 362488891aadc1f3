"""A whole voice turn over a real socket with models of this process only: Whisper, a language model, espeak."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.engines.build import build
from gateway.settings.load import load
from tests.models.training_data import CAPITAL, SYSTEM, TOOL, answer_to
from tests.support.device import DEVICE
from tests.support.http_client import ROUTE, form
from tests.support.recordings import sound
from tests.support.server import events_in, question, served

FRAME_BYTES = 2
SAMPLE_RATE = 24_000


@pytest.fixture(params=["transformers", "mlx-lm"])
async def client(request: pytest.FixtureRequest, tiny_qwen: Path) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of a gateway that runs both models itself, from flags as people give them."""
    if request.param == "mlx-lm":
        for package in ("mlx", "mlx_lm"):
            pytest.importorskip(package, reason=f"needs {package}")
    device = ("--llm_device", DEVICE) if request.param == "transformers" else ()
    async with running("--llm_backend", request.param, "--model_name", str(tiny_qwen), *device) as served_client:
        yield served_client


@asynccontextmanager
async def running(*flags: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    from tests.models.tiny_whisper import trained  # noqa: PLC0415 - only where the packages are

    hearing = ("--stt", "transformers", "--stt_model", str(trained()), "--stt_device", DEVICE)
    loaded = load([*flags, *hearing, "--init_chat_prompt", SYSTEM], {})
    assert loaded.warnings == ()
    gateway = build(loaded)
    gateway.preflight()
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        yield client


async def turn(client: httpx.AsyncClient, recording: bytes, **fields: str) -> dict[str, Any]:
    """The last event of each kind of a turn, and all its audio."""
    asked = form(recording, {"stream_format": "sse", "response_format": "pcm", **fields})
    response = await client.post(ROUTE, **asked)
    assert response.status_code == 200, response.text
    events = list(events_in(response.text))
    audio = b"".join(base64.b64decode(event["audio"]) for event in events if event["type"] == "speech.audio.delta")
    return {event["type"]: event for event in events} | {"audio": audio}


async def test_a_spoken_question_gets_its_spoken_answer(client: httpx.AsyncClient) -> None:
    said = await turn(client, question())
    assert said["transcript.text.done"]["text"] == CAPITAL
    assert said["transcript.text.done"]["language"] == "en"
    assert said["speech.text.done"]["text"] == answer_to(CAPITAL)
    assert said["speech.audio.done"]["finish_reason"] == "stop"
    assert said["speech.audio.done"]["usage"]["output_tokens"] > 3
    assert 1 < len(said["audio"]) / FRAME_BYTES / SAMPLE_RATE < 5


async def test_callers_at_the_same_time_share_the_models_and_nobody_gets_anothers_words(
    client: httpx.AsyncClient,
) -> None:
    from tests.models.tiny_whisper import SAMPLE_RATE as HEARING_RATE  # noqa: PLC0415
    from tests.models.tiny_whisper import recordings  # noqa: PLC0415

    tools = {"tools": json.dumps([{"type": "function", **TOOL}])}
    _, lights, _ = recordings()
    command = sound(lights.samples, HEARING_RATE)
    turns = await asyncio.gather(
        *(turn(client, question()) if number % 2 else turn(client, command, **tools) for number in range(6))
    )
    for number, said in enumerate(turns):
        if number % 2:
            assert said["speech.text.done"]["text"] == answer_to(CAPITAL)
        else:
            assert said["transcript.text.done"]["text"] == lights.text
            call = said["speech.function_call.done"]
            assert (call["name"], json.loads(call["arguments"])) == (TOOL["name"], {"on": True})
            assert said["speech.audio.done"]["finish_reason"] == "tool_calls"
