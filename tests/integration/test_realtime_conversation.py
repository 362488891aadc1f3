"""A spoken conversation of three turns on real models, with openai-python: whisper-base, SmolLM2 and Piper.

The second question means nothing without the first. A small model's wit is not judged, but what it was asked.
"""

import asyncio
import base64
import io
import wave
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from adapters.contract import llm
from gateway.engines.build import build
from gateway.settings.load import load
from tests.integration.clients.microphone import RATE, Microphone
from tests.support.server import served

pytestmark = pytest.mark.timeout(400)

for _package in ("torch", "transformers", "faster_whisper", "piper"):
    pytest.importorskip(_package, reason=f"needs {_package}")

QUESTIONS = (
    "Tell me the capital of France, please.",
    "How many people live there?",
    "Please say the first answer again.",
)


def words_of(message: llm.Message) -> str:
    return " ".join(part.text for part in message.parts if isinstance(part, llm.Text))


async def test_the_second_question_needs_the_first(
    real_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whisper, smollm, joe = (str(real_model(name)) for name in ("whisper-base", "smollm2", "piper-joe"))
    flags = ["--stt", "faster-whisper", "--stt_model", whisper, "--stt_device", "cpu", "--tts", "piper"]
    flags += ["--tts_model", joe, "--llm_backend", "transformers", "--model_name", f"{smollm}/hf"]
    gateway = build(load([*flags, "--llm_device", "cpu", "--realtime_ahead", "off"], {}))
    gateway.preflight()
    from adapters.llm.transformers.adapter import TransformersLanguageModel  # noqa: PLC0415 - of an extra

    asked: list[tuple[llm.Message, ...]] = []
    answering = TransformersLanguageModel.stream

    async def recording(self: TransformersLanguageModel, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        asked.append(tuple(request.messages))
        async for event in answering(self, request):
            yield event

    monkeypatch.setattr(TransformersLanguageModel, "stream", recording)
    async with (
        served(gateway) as address,
        openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="unused", timeout=200) as client,
    ):
        recordings = [await spoken(client, text) for text in QUESTIONS]
        heard, answers = await conversation(client, recordings)
        said = await client.audio.transcriptions.create(model="whisper-1", file=("answer.wav", wav(answers[0][1])))
    assert "france" in heard[0].lower()
    assert "people" in heard[1].lower()
    assert "Paris" in answers[0][0]
    assert "paris" in said.text.lower(), "the client plays what was written"
    for number, messages in enumerate(asked):
        spoken_so_far = [words_of(message) for message in messages if message.role in ("user", "assistant")]
        expected = [text for turn in zip(heard, answers, strict=True) for text in (turn[0], turn[1][0])]
        assert spoken_so_far == expected[: 2 * number + 1], "every question is asked after all that was said before"


async def spoken(client: openai.AsyncOpenAI, text: str) -> Microphone:
    """A microphone before which ``text`` is said."""
    speech = await client.audio.speech.create(model="tts-1", voice="alloy", input=text, response_format="pcm")
    return Microphone(io.BytesIO(wav(speech.content)))


def wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, RATE, 0, "NONE", ""))
        written.writeframes(pcm)
    return file.getvalue()


async def conversation(
    client: openai.AsyncOpenAI, questions: list[Microphone]
) -> tuple[list[str], list[tuple[str, bytes]]]:
    """Ask each once the answer before was played; what was heard, and each answer and its sound."""
    heard: list[str] = []
    answers: list[tuple[str, bytes]] = []
    async with client.realtime.connect(model="gpt-realtime") as connection:
        transcription: Any = {"input": {"transcription": {"model": "whisper-1"}}}
        await connection.session.update(session={"type": "realtime", "audio": transcription})

        async def speak(microphone: Microphone) -> None:
            microphone.ask()
            async for frame in microphone.frames():
                await connection.input_audio_buffer.append(audio=base64.b64encode(frame).decode())

        for microphone in questions:
            speaking = asyncio.create_task(speak(microphone))
            pcm, transcript = b"", ""
            try:
                async with asyncio.timeout(120):
                    async for event in connection:
                        if event.type == "conversation.item.input_audio_transcription.completed":
                            heard.append(event.transcript)
                        elif event.type == "response.output_audio.delta":
                            pcm += base64.b64decode(event.delta)
                        elif event.type == "response.output_audio_transcript.done":
                            transcript = event.transcript
                        elif event.type == "response.done":
                            assert event.response.status == "completed", event.response.status_details
                            break
                        else:
                            assert event.type != "error", event
                await asyncio.sleep(len(pcm) / 2 / RATE)  # who speaks before all was played has not heard it
            finally:
                speaking.cancel()
            answers.append((transcript, pcm))
    return heard, answers
