"""Unmodified realtime clients talk: their tool is called, they interrupt a long answer, they are answered again.

Each client hears and speaks at the pace of real time, with a voice activity detector that listens to real sound; the
recogniser and the language model are scripted, the voice is the embedded one.
"""

import asyncio
import json
import os
import wave
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import soundfile
import soxr

from adapters import registry, scripted
from adapters.contract import llm, stt
from gateway.settings.load import load
from tests.integration.client_libraries import CLIENTS, REALTIME_CLIENTS, command
from tests.support.proxies import nginx, proxied
from tests.support.server import QUESTION, gateway_of, scripted_engines, served

LONG_ANSWER = " ".join(f"This is sentence number {number} of a rather long story." for number in range(1, 41))
SECOND_ANSWER = "Hello there. How are you?"

pytestmark = pytest.mark.timeout(300)


async def _hears(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
    samples = sum([len(block) async for block in request.audio]) // 2
    yield stt.FinalTranscript(text="what did you say")
    yield stt.Finished(language="en", seconds=samples / 16_000)


async def _writes(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    """A greeting to nobody, a call for the first question, a long answer to its result, a short one after that."""
    asked = sum(
        isinstance(part, llm.Text) and part.text == "what did you say"
        for message in request.messages
        for part in message.parts
    )
    told = any(isinstance(part, llm.ToolResult) for message in request.messages for part in message.parts)
    reason: llm.FinishReason = "stop"
    if asked == 1 and not told:
        arguments = '{"city": "Oslo"}'
        yield llm.ToolCallStarted(call_id="call_1", name="get_weather")
        yield llm.ToolCallDelta(call_id="call_1", arguments=arguments)
        yield llm.ToolCallFinished(call_id="call_1", name="get_weather", arguments=arguments)
        reason = "tool_calls"
    else:
        answer = "Welcome." if not asked else LONG_ANSWER if asked == 1 else SECOND_ANSWER
        for sentence in answer.split(". "):
            yield llm.TextDelta(text=sentence if sentence.endswith((".", "?")) else f"{sentence}. ")
    yield llm.Finished(reason=reason, usage=llm.Usage(input_tokens=3, output_tokens=6))


def _question(folder: Path) -> Path:
    """The sample question as realtime clients send it: 24 kHz, s16le."""
    samples, rate = soundfile.read(QUESTION, dtype="int16", always_2d=True)
    path = folder / "question.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes(soxr.resample(samples[:, 0], rate, 24_000).tobytes())
    return path


@pytest.mark.parametrize("client", REALTIME_CLIENTS)
async def test_an_unmodified_client_talks(client: str, tmp_path: Path) -> None:
    driver = command(client, CLIENTS[client].realtime)
    if driver is None:
        pytest.skip(f"without {client}: python -m tests.integration.client_libraries installs it")
    recogniser = scripted.Scripted(stt.Info(sample_rate=16_000), _hears)
    loaded = load((), {})
    voice = registry.build("tts", "espeak", loaded.routes[0].settings)
    engines = scripted_engines(stt=recogniser, llm=scripted.language_model(_writes), tts=voice)
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONWARNINGS": "default"}
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(gateway_of(engines)))
        if CLIENTS[client].is_node:  # openai-node connects by TLS only
            port = await stack.enter_async_context(proxied(nginx, tmp_path, address, "127.0.0.1"))
            address = f"https://127.0.0.1:{port}"
            environment["NODE_EXTRA_CA_CERTS"] = str(tmp_path / "authority.pem")
        process = await asyncio.create_subprocess_exec(
            *driver, f"{address}/v1", str(_question(tmp_path)), stdout=asyncio.subprocess.PIPE, env=environment
        )
        output, _ = await process.communicate()
    assert process.returncode == 0
    found = json.loads(output.splitlines()[-1])
    failed = {name: outcome for name, outcome in found["checks"].items() if outcome != "ok"}
    assert not failed, "\n".join(f"{client} {found['version']}, {name}: {why}" for name, why in failed.items())
