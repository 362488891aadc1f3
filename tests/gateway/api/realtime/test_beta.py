"""The Beta's names, both ways: translated, and over a real socket with the package's Beta client."""

import asyncio
import base64
from typing import Any

import httpx
import openai
import pytest

from gateway.api.realtime.beta import beta_session, current_session, is_beta, read_beta_event
from gateway.realtime.protocol.client_events import (
    ConversationItemCreate,
    InputAudioBufferAppend,
    ResponseCreate,
    SessionUpdate,
)
from gateway.realtime.session.inputs import Refused
from tests.support.realtime_client import silence, spoken_question
from tests.support.server import gateway_of, scripted_engines, served

FLAT: dict[str, Any] = {
    "modalities": ["audio", "text"],
    "instructions": "Be kind.",
    "voice": "alloy",
    "input_audio_format": "g711_ulaw",
    "output_audio_format": "pcm16",
    "input_audio_transcription": {"model": "whisper-1"},
    "turn_detection": None,
    "max_response_output_tokens": "inf",
}
NESTED: dict[str, Any] = {
    "output_modalities": ["audio"],
    "instructions": "Be kind.",
    "max_output_tokens": "inf",
    "audio": {
        "input": {
            "format": {"type": "audio/pcmu"},
            "transcription": {"model": "whisper-1"},
            "turn_detection": None,
        },
        "output": {"voice": "alloy", "format": {"type": "audio/pcm", "rate": 24000}},
    },
}


def test_a_configuration_both_ways() -> None:
    assert current_session({**FLAT, "temperature": 0.8}) == NESTED
    assert beta_session(NESTED) == {**FLAT, "input_audio_noise_reduction": None}


def test_events_of_a_client() -> None:
    update = read_beta_event('{"type":"transcription_session.update","session":{"input_audio_format":"pcm16"}}')
    assert isinstance(update, SessionUpdate)
    assert update.session == {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}}}}
    created = read_beta_event(
        '{"type":"conversation.item.create","item":{"type":"message","role":"assistant",'
        '"content":[{"type":"text","text":"Hi."}]}}'
    )
    assert isinstance(created, ConversationItemCreate)
    asked = read_beta_event('{"type":"response.create","response":{"modalities":["text"],"temperature":0.8}}')
    assert isinstance(asked, ResponseCreate)
    assert asked.response is not None
    assert asked.response.output_modalities == ["text"]
    assert isinstance(read_beta_event('{"type":"input_audio_buffer.append","audio":""}'), InputAudioBufferAppend)
    assert isinstance(read_beta_event("{"), Refused)


@pytest.mark.parametrize(
    ("headers", "protocols", "wanted"),
    [
        ([(b"openai-beta", b"realtime=v1")], [], True),
        ([], ["realtime", "openai-beta.realtime-v1"], True),
        ([(b"openai-beta", b"assistants=v2")], ["realtime"], False),
    ],
)
def test_who_speaks_the_beta(headers: list[tuple[bytes, bytes]], protocols: list[str], *, wanted: bool) -> None:
    assert is_beta({"headers": headers, "subprotocols": protocols}) is wanted


async def test_a_spoken_turn_with_the_packages_beta_client() -> None:
    async with served(gateway_of(scripted_engines())) as address:
        url = f"{address.replace('http', 'ws', 1)}/v1"  # else it insists on TLS
        async with openai.AsyncOpenAI(api_key="sk-any", base_url=f"{address}/v1", websocket_base_url=url) as api:
            async with api.beta.realtime.connect(model="gpt-4o-realtime-preview-2024-12-17") as connection:
                kinds: list[str] = []
                await connection.session.update(session={"input_audio_transcription": {"model": "whisper-1"}})
                pcm = spoken_question() + silence(1.0)
                for start in range(0, len(pcm), 9600):
                    audio = base64.b64encode(pcm[start : start + 9600]).decode()
                    await connection.input_audio_buffer.append(audio=audio)
                async with asyncio.timeout(15):
                    while (event := await connection.recv()).type != "response.done":
                        kinds.append(event.type)
                        if event.type == "session.created":
                            assert event.session.modalities == ["audio", "text"]
                assert event.response.output is not None
                assert event.response.output[0].content is not None
                assert event.response.output[0].content[0].type == "audio"
    assert "response.audio.delta" in kinds
    assert "response.audio_transcript.delta" in kinds
    assert kinds.count("conversation.item.created") == 2
    assert not {"conversation.item.added", "conversation.item.done", "response.output_audio.delta"} & set(kinds)


async def test_keys_as_the_beta_asks_for_them() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        body = {"model": "gpt-4o-realtime-preview", "voice": "alloy", "modalities": ["text"]}
        made = (await client.post("/v1/realtime/sessions", json=body)).json()
        assert (made["voice"], made["modalities"], made["input_audio_format"]) == ("alloy", ["text"], "pcm16")
        assert made["client_secret"]["value"].startswith("ek_")
        made = (await client.post("/v1/realtime/transcription_sessions", json={})).json()
        assert made["object"] == "realtime.transcription_session"
        assert made["client_secret"]["expires_at"] > 0
