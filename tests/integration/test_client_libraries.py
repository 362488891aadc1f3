"""Unmodified client libraries of several generations find every route, over each road that an answer can take."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters import registry, scripted
from adapters.contract import llm, stt
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import ServedRoute
from gateway.settings.load import load
from tests.integration.client_libraries import CLIENTS, HTTP_CLIENTS, command
from tests.support.server import QUESTION, gateway_of, scripted_engines, served

HEARD = ("what", "did", "you", "say")

ROADS = {"translated": None, "chat": "chat-completions", "responses": "responses-api"}
"""By name the backend that passes text on to a second gateway; without one the model is in this process."""

pytestmark = pytest.mark.timeout(300)


async def _hears(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
    samples = sum([len(block) async for block in request.audio]) // 2
    yield stt.PartialTranscript(stable="what did")
    words = tuple(stt.Word(text=word, start=index / 2, end=index / 2 + 0.4) for index, word in enumerate(HEARD))
    segment = stt.Segment(text=" ".join(HEARD), start=0.0, end=2.0)
    yield stt.FinalTranscript(
        text=" ".join(HEARD),
        words=words if request.word_times else (),
        segments=(segment,) if request.segment_times else (),
    )
    yield stt.Finished(language="en", seconds=samples / 16_000)


async def _writes(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    """The call of a tool until there is its result, then the same sentence to everything."""
    answered = any(isinstance(part, llm.ToolResult) for message in request.messages for part in message.parts)
    reason: llm.FinishReason = "stop"
    if request.tools and not answered:
        yield llm.ToolCallStarted(call_id="call_1", name="get_weather")
        for piece in ('{"city":', ' "Oslo"}'):
            yield llm.ToolCallDelta(call_id="call_1", arguments=piece)
        yield llm.ToolCallFinished(call_id="call_1", name="get_weather", arguments='{"city": "Oslo"}')
        reason = "tool_calls"
    else:
        for piece in ("Hello there. ", "How are you?"):
            yield llm.TextDelta(text=piece)
    yield llm.Finished(reason=reason, usage=llm.Usage(input_tokens=3, output_tokens=6))


def _engines(**engines: Any) -> Any:
    recogniser = scripted.Scripted(stt.Info(sample_rate=16_000, word_times=True, segment_times=True), _hears)
    return scripted_engines(stt=recogniser, **{"llm": scripted.language_model(_writes), **engines})


@asynccontextmanager
async def _gateway(backend: str | None) -> AsyncGenerator[str, None]:
    """The address of a gateway; with ``backend`` its model is another gateway behind that backend."""
    async with served(gateway_of(_engines())) as address:
        if backend is None:
            yield address
            return
        flags = ("--llm_backend", backend, "--model_name", "m", "--responses_api_base_url", f"{address}/v1")
        loaded = load(flags, {})
        model = registry.build("llm", backend, loaded.routes[0].settings)
        route = ServedRoute(route=loaded.routes[0], engines=_engines(llm=model))
        async with served(Gateway(loaded.settings, [route])) as outer:
            yield outer


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("client", HTTP_CLIENTS)
async def test_an_unmodified_client_finds_everything(client: str, road: str) -> None:
    driver = command(client, CLIENTS[client].driver)
    if driver is None:
        pytest.skip(f"without {client}: python -m tests.integration.client_libraries installs it")
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONWARNINGS": "default"}
    async with _gateway(ROADS[road]) as address:
        process = await asyncio.create_subprocess_exec(
            *driver, f"{address}/v1", str(QUESTION), stdout=asyncio.subprocess.PIPE, env=environment
        )
        output, _ = await process.communicate()
    assert process.returncode == 0
    found = json.loads(output.splitlines()[-1])
    failed = {name: outcome for name, outcome in found["checks"].items() if outcome != "ok"}
    assert not failed, "\n".join(f"{client} {found['version']}, {name}: {why}" for name, why in failed.items())
