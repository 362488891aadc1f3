"""Engines that raise, stall, or return nothing, behind every surface that asks them: one turn fails, and no other."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from adapters.contract.errors import Unavailable
from gateway.engines.lifecycle import Gateway
from gateway.engines.queue import QueuedEngine, QueueLimits
from tests.support import chat_client
from tests.support.http_client import ROUTE, benched, form
from tests.support.server import gateway_of, scripted_engines, until


async def raises(_request: Any) -> AsyncGenerator[Any, None]:
    raise ValueError("a bug of the engine, with a word of the user in it: marzipan")
    yield


async def raises_at_once(_request: Any) -> AsyncGenerator[Any, None]:
    raise Unavailable("The engine has no memory left.")
    yield


async def stalls(_request: Any) -> AsyncGenerator[Any, None]:
    await asyncio.Event().wait()
    yield


async def nothing(_request: Any) -> AsyncGenerator[Any, None]:
    """Not even the end of an answer, which breaks the contract."""
    return
    yield


STAGES = ("stt", "llm", "tts")

FAULTS: dict[str, tuple[Any, int]] = {
    "raises what is no error of the contract": (raises, 500),
    "raises": (raises_at_once, 503),
    "stalls": (stalls, 504),
    "returns nothing": (nothing, 502),
}

SPOKEN = chat_client.asked(**chat_client.SPOKEN)
HEARD = chat_client.asked(chat_client.user([chat_client.recording()]))
SPEECH: dict[str, Any] = {"json": {"model": "echo", "input": "Hello.", "voice": "alloy"}}
SURFACES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "recogniser of a voice turn": ("stt", ROUTE, form()),
    "recogniser of a transcription": ("stt", "/v1/audio/transcriptions", form(fields={"model": "echo"})),
    "model of a voice turn": ("llm", ROUTE, form()),
    "model of a chat": ("llm", "/v1/chat/completions", chat_client.asked()),
    "model of a response": ("llm", "/v1/responses", {"json": {"model": "echo", "input": "Hello."}}),
    "voice of a voice turn": ("tts", ROUTE, form()),
    "voice of a chat": ("tts", "/v1/chat/completions", SPOKEN),
    "voice of a text": ("tts", "/v1/audio/speech", SPEECH),
}
"""The stage that breaks, and a request that needs it."""


def gateway(*flags: str) -> Gateway:
    """A gateway each of whose engines serves one request at a time."""
    engines = scripted_engines()
    for stage in STAGES:
        engine: Any = getattr(engines, stage)
        engine.info = msgspec.structs.replace(engine.info, max_parallel=1)
    queued = {
        stage: QueuedEngine(stage, getattr(engines, stage), QueueLimits(length=1, seconds=5.0)) for stage in STAGES
    }
    return gateway_of(msgspec.structs.replace(engines, **queued), *flags)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("surface", SURFACES)
async def test_an_engine_that_fails(surface: str, fault: str, caplog: pytest.LogCaptureFixture) -> None:
    (stage, path, sent), (script, status) = SURFACES[surface], FAULTS[fault]
    async with benched(gateway("--max_turn_seconds", "2" if script is stalls else "60")) as bench:
        engine = getattr(bench.engines, stage).alternatives[0]
        good, engine.script = engine.script, script
        answer = await bench.client.post(path, **sent)
        assert answer.status_code == status, answer.text
        assert "marzipan" not in answer.text
        engine.script = good
        again = await bench.client.post(path, **sent)
        assert again.status_code == 200, again.text
        await until(lambda: len(asyncio.all_tasks()) <= bench.tasks)
        states = [getattr(bench.engines, stage).state for stage in STAGES]
        assert [(state.running, state.waiting, state.coming) for state in states] == [(0, 0, 0)] * 3
    assert "marzipan" not in caplog.text
