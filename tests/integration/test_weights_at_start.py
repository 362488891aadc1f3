"""A gateway whose engines have their weights on a hub: it fetches them at its start, or does not start."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import openai
import pytest

from tests.models import real
from tests.support.hub_server import hub_server
from tests.support.server import question

pytestmark = pytest.mark.timeout(300)

PIPER = "rhasspy/piper-voices/en/en_US/ljspeech/medium/en_US-ljspeech-medium.onnx"
WHISPER, SILERO = "Systran/faster-whisper-base", "onnx-community/silero-vad/onnx/model.onnx"

GATEWAY = [sys.executable, "-c", "import sys; from gateway.cli.main import main; sys.exit(main())", "--port", "0"]
ENGINES = ["--llm_backend", "echo", "--stt", "faster-whisper", "--stt_device", "cpu"]
ENGINES += ["--tts", "piper", "--vad", "silero"]


@asynccontextmanager
async def gateway(hub: str, cache: Path) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    """A process with an empty cache."""
    environment = os.environ | {"HF_ENDPOINT": hub, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "0"}
    process = await asyncio.create_subprocess_exec(
        *GATEWAY, *ENGINES, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def lay_out(hub: Path) -> None:
    joe = real.at_hand("piper-joe") / "en_US-joe-medium.onnx"
    links = {PIPER: joe, f"{PIPER}.json": Path(f"{joe}.json"), SILERO: real.at_hand("silero") / "silero_vad.onnx"}
    links |= {f"{WHISPER}/{file.name}": file for file in real.at_hand("whisper-base").iterdir()}
    for name, file in links.items():
        (hub / name).parent.mkdir(parents=True, exist_ok=True)
        (hub / name).symlink_to(file)


async def test_it_fetches_at_its_start_and_in_no_request(tmp_path: Path) -> None:
    for package in ("huggingface_hub", "faster_whisper", "piper", "onnxruntime"):
        pytest.importorskip(package, reason=f"needs {package}")
    lay_out(tmp_path / "hub")
    with hub_server(tmp_path / "hub") as hub:
        async with gateway(hub.url, tmp_path / "cache") as process:
            assert process.stdout is not None
            found = re.search(rb"http://127\.0\.0\.1:\d+", await process.stdout.readline())
            assert found is not None
            address = found[0].decode()
            async with asyncio.timeout(200), httpx.AsyncClient(base_url=address) as waiting:
                while (await waiting.get("/ready")).status_code != 200:
                    await asyncio.sleep(0.1)
            async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="unused", timeout=200) as client:
                assert {"model.bin", "onnx/model.onnx", PIPER.removeprefix("rhasspy/piper-voices/")} <= {
                    *hub.files_asked()
                }
                asked = len(hub.asked)
                speech = await client.audio.speech.create(
                    model="tts-1", voice="alloy", input="Tell me the capital of France, please.", response_format="wav"
                )
                for recording in (question(), speech.content):
                    heard = await client.audio.transcriptions.create(model="whisper-1", file=("q.wav", recording))
                    assert "capital of france" in heard.text.lower()
                assert len(hub.asked) == asked, "a request asked the hub"


async def test_without_a_hub_and_weights_it_does_not_start(tmp_path: Path) -> None:
    for package in ("huggingface_hub", "faster_whisper"):
        pytest.importorskip(package, reason=f"needs {package}")
    async with gateway("http://127.0.0.1:9", tmp_path / "cache") as process:
        output, complaint = await process.communicate()
    assert process.returncode not in (0, None)
    assert output == b""
    (line,) = complaint.decode().splitlines()
    assert "put config.json and model.bin and tokenizer.json and vocabulary.*" in line
    assert f"of https://huggingface.co/{WHISPER} into a folder and give it as --stt_model" in line
