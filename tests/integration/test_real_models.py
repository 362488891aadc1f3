"""A whole voice turn on real models over a real socket: whisper-base hears, SmolLM2 answers, Piper speaks."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.server import question, served

pytestmark = pytest.mark.timeout(300)

for _package in ("torch", "transformers", "faster_whisper", "piper"):
    pytest.importorskip(_package, reason=f"needs {_package}")


async def test_the_capital_of_france_is_heard_answered_and_spoken(real_model: Callable[[str], Path]) -> None:
    whisper, smollm, joe = (str(real_model(name)) for name in ("whisper-base", "smollm2", "piper-joe"))
    flags = ["--stt", "faster-whisper", "--stt_model", whisper, "--stt_device", "cpu", "--tts", "piper"]
    flags += ["--tts_model", joe, "--llm_backend", "transformers", "--model_name", f"{smollm}/hf"]
    gateway = build(load([*flags, "--llm_device", "cpu"], {}))
    gateway.preflight()
    async with served(gateway) as address:
        async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="unused", timeout=200) as client:
            recording = {"data": base64.b64encode(question()).decode(), "format": "wav"}
            messages: Any = [{"role": "user", "content": [{"type": "input_audio", "input_audio": recording}]}]
            turn = await client.chat.completions.create(
                model="s2s",
                messages=messages,
                modalities=["text", "audio"],
                audio={"voice": "alloy", "format": "wav"},
            )
            answer = turn.choices[0].message.audio
            assert answer is not None
            assert "Paris" in answer.transcript
            spoken = base64.b64decode(answer.data)
            heard = await client.audio.transcriptions.create(model="whisper-1", file=("answer.wav", spoken))
        assert "paris" in heard.text.lower(), "the voice says what was written"
