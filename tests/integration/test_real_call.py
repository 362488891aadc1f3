"""A call on real models: what is said over Opus, with loss, is heard, and the answer understood on the other end."""

import asyncio
import io
import random
import wave
from collections.abc import Callable
from pathlib import Path

import aioice.ice
import httpx
import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport

from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.call_client import calling
from tests.support.realtime_client import RATE, spoken_question
from tests.support.server import served

pytestmark = pytest.mark.timeout(300)

for _package in ("faster_whisper", "piper"):
    pytest.importorskip(_package, reason=f"needs {_package}")


@pytest.mark.parametrize("loss", [0.0, 0.05])
async def test_a_question_is_heard_and_its_answer_understood(
    real_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, loss: float
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    send, chance = RTCDtlsTransport._send_rtp, random.Random(7)

    async def lossy(self: RTCDtlsTransport, data: bytes) -> None:
        if chance.random() >= loss:
            await send(self, data)

    monkeypatch.setattr(RTCDtlsTransport, "_send_rtp", lossy)
    flags = ["--stt", "faster-whisper", "--stt_model", str(real_model("whisper-base")), "--stt_device", "cpu"]
    flags += ["--tts", "piper", "--tts_model", str(real_model("piper-joe")), "--llm_backend", "echo"]
    gateway = build(load(flags, {}))
    gateway.preflight()
    async with served(gateway) as address:
        async with calling(address) as client:
            client.voice.say(spoken_question())
            answer = (await client.until("response.done"))["response"]["output"][0]["content"][0]["transcript"]
            await client.until("output_audio_buffer.stopped")
            await asyncio.sleep(0.5)  # for the jitter buffer of the client
        async with httpx.AsyncClient(base_url=address, timeout=100) as http:
            files = {"file": ("answer.wav", wav(client.audio().tobytes()))}
            heard = (await http.post("/v1/audio/transcriptions", files=files)).json()["text"]
    assert "capital of france" in answer.lower()
    assert "capital of france" in heard.lower()


def wav(pcm: bytes) -> bytes:
    """s16le at 24 kHz as a file."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(pcm)
    return made.getvalue()
