"""What people say, what models answer and every key stay out of the log, at its lowest level, on every surface."""

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.cli.test_serve import serving, wait_until_ready
from tests.support.chat_chunks import USAGE, delta, tool
from tests.support.server import question
from tests.support.threaded_upstream import ThreadedUpstream
from tests.support.upstream_server import Exchange

PROMPT, TRANSCRIPT, ANSWER, ARGUMENTS, KEY = "zebrafish", "marmalade", "pomegranate", "xylophone", "sk-tambourine-123"
MARKS = (PROMPT, TRANSCRIPT, ANSWER, ARGUMENTS, KEY, "tambourine", base64.b64encode(question())[100:140].decode())
CALL = {"type": "function", "function": {"name": "play", "parameters": {"type": "object"}}}


async def upstream(exchange: Exchange) -> None:
    """A server that hears, writes and speaks marked words, and quotes what it was asked in every refusal."""
    if exchange.path.endswith("/audio/transcriptions"):
        await exchange.reply(200, {"text": f"what is a {TRANSCRIPT}"})
    elif exchange.path.endswith("/audio/speech"):
        await exchange.reply(200, b"\0\0" * 4800, "audio/pcm")
    elif b"refuse" in exchange.body:
        await exchange.reply(400, {"error": {"message": f"cannot answer {PROMPT} {KEY}", "param": PROMPT}})
    elif b"break" in exchange.body:
        await exchange.reply(500, {"error": {"message": f"failed on {PROMPT} {KEY}"}})
    elif b"fail midway" in exchange.body:
        await exchange.start()
        await exchange.events(delta(content=ANSWER), {"error": {"message": f"failed on {PROMPT}", "code": 400}})
        await exchange.finish()
    elif exchange.path.endswith("/chat/completions"):
        call = tool(0, "call_1", "play", json.dumps({"what": ARGUMENTS}))
        await exchange.start()
        await exchange.events(delta(content=f"It is a {ANSWER}."), call, delta("tool_calls"))
        await exchange.events({"choices": [], "usage": USAGE}, "[DONE]")
        await exchange.finish()
    else:
        await exchange.reply(200, {"object": "list", "data": []})


def ask_everything(client: httpx.Client) -> None:
    """A turn on every surface, whole and streamed, well and badly asked, failing at the server."""

    def post(path: str, **request: Any) -> None:
        with suppress(httpx.RemoteProtocolError):  # an answer that fails midway is cut
            client.post(path, **request)

    recording = {"file": ("zebrafish.wav", question(), "audio/wav")}
    audio = {"data": base64.b64encode(question()).decode(), "format": "wav"}
    spoken = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
    for text in (PROMPT, f"{PROMPT} refuse", f"{PROMPT} break", f"{PROMPT} fail midway"):
        messages = [{"role": "user", "content": text}]
        for streamed in (True, False):
            chat: dict[str, Any] = {"model": "m", "messages": messages, "stream": streamed, "tools": [CALL]}
            post("/v1/chat/completions", json=chat)
            post("/v1/chat/completions", json={**chat, **(spoken if streamed else {})})
            post("/v1/responses", json={"model": "m", "input": text, "stream": streamed})
        post("/v1/audio/speech", json={"model": "m", "input": text, "voice": "alloy"})
    for fields in ({}, {"stream_format": "sse"}, {"voice": PROMPT}, {"instructions": f"{PROMPT} break"}):
        post("/v1/audio/speech-to-speech", data=fields, files=recording)
        post("/v1/audio/speech-to-speech", json={"input_audio": audio, **fields})
    for path in ("transcriptions", "translations"):
        post(f"/v1/audio/{path}", data={"model": "m", "prompt": PROMPT}, files=recording)
        post(f"/v1/audio/{path}", data={"model": "m", "language": PROMPT}, files=recording)
    item = {"type": "message", "role": "user", "content": PROMPT}
    post("/v1/conversations", json={"items": [item]})
    for path in ("/v1/responses", "/v1/chat/completions", "/v1/audio/speech"):
        post(path, content=f'{{"input": "{PROMPT}"'.encode(), headers={"content-type": "application/json"})
        post(path, json={"model": PROMPT, "input": PROMPT, "messages": [], "stream": PROMPT})
    client.get("/v1/models", params={"prompt": PROMPT})
    client.get("/metrics")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_line_of_the_log_holds_what_was_said(log_format: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ThreadedUpstream(upstream) as server:
        flags = [
            "--llm_backend=chat-completions",
            "--model_name=m",
            f"--responses_api_base_url={server.base_url}",
            f"--responses_api_api_key={KEY}",
            "--responses_api_max_retries=1",
            "--stt=openai",
            f"--stt_base_url={server.base_url}",
            "--tts=openai",
            f"--tts_base_url={server.base_url}",
            f"--log_format={log_format}",
            "--log_level=debug",
        ]
        with serving(*flags, log=log) as (address, _):
            wait_until_ready(address)
            headers = {"authorization": f"Bearer {KEY}"}
            with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
                ask_everything(client)
    written = log.read_text()
    lines = [line for line in written.splitlines() if any(mark in line for mark in MARKS)]
    assert not lines
    for surface in ("chat_completions", "responses", "speech", "speech_to_speech", "transcriptions"):
        assert f'"surface":"{surface}"' in written or f"surface={surface} " in written
    if log_format == "json":
        assert all({"time", "level", "logger", "message"} <= json.loads(line).keys() for line in written.splitlines())
