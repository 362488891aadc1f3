"""Text to speech over a real socket: every format, the pace of synthesis, refusals, and voice turns."""

import asyncio
import base64
import json
import shutil
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
import pytest_asyncio
from openai import AsyncOpenAI, BadRequestError

from adapters import scripted
from adapters.contract import tts
from gateway.audio.decode import decode
from gateway.audio.encode import FORMATS, OUTPUT_RATE
from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.http_client import asked, benched, refused
from tests.support.raw_client import RawConnection, request
from tests.support.server import events_in, gateway_of, question, scripted_engines, served, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTE = "/v1/audio/speech"
TEXT = "Good morning, everyone. The train to the north leaves in ten minutes! Are you ready?"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url() -> AsyncGenerator[str, None]:
    """A gateway with the real espeak."""
    gateway = build(load(["--llm_backend", "echo", "--tts", "espeak"], {}))
    async with served(gateway) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def humming() -> AsyncGenerator[AsyncOpenAI, None]:
    """A gateway whose synthesiser makes the same samples every time: at 24 kHz nothing is resampled and dithered."""
    async with served(gateway_of(scripted_engines())) as address:
        async with AsyncOpenAI(base_url=f"{address}/v1", api_key="unused", max_retries=0) as client:
            yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(url: str) -> AsyncGenerator[AsyncOpenAI, None]:
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as client:
        yield client


async def speech(client: AsyncOpenAI, text: str = TEXT, **fields: Any) -> bytes:
    fields = {"model": "tts-1", "voice": "alloy", **fields}
    return (await client.audio.speech.create(input=text, **fields)).content


def seconds(data: bytes) -> float:
    """How long a file of any format but pcm is."""
    return len(b"".join(decode(data, sample_rate=OUTPUT_RATE, max_seconds=600))) / 2 / OUTPUT_RATE


def stream_in(path: Path) -> dict[str, Any]:
    """What ffprobe says of the only stream in a file."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path)]
    (stream,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    return dict(stream)


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_is_a_file_of_its_codec(client: AsyncOpenAI, name: str, tmp_path: Path) -> None:
    pcm = len(await speech(client, response_format="pcm")) / 2 / OUTPUT_RATE
    answer = await client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format=name)  # type: ignore[arg-type]
    assert answer.response.headers["content-type"] == FORMATS[name].content_type
    assert answer.response.headers["content-disposition"] == f'attachment; filename="speech.{name}"'
    assert answer.response.headers["transfer-encoding"] == "chunked"
    if name == "pcm":
        return
    assert seconds(answer.content) == pytest.approx(pcm, abs=0.15)
    if shutil.which("ffprobe") is None:
        pytest.skip("needs ffprobe")
    path = tmp_path / f"speech.{name}"
    path.write_bytes(answer.content)
    stream = stream_in(path)
    codec = "pcm_s16le" if name == "wav" else name
    rate = "48000" if name == "opus" else "24000"
    assert (stream["codec_name"], stream["sample_rate"], stream["channels"]) == (codec, rate, 1)


async def test_mp3_is_what_a_client_gets_that_names_no_format(humming: AsyncOpenAI) -> None:
    assert await speech(humming) == await speech(humming, response_format="mp3")


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
async def test_speed_changes_how_long_the_speech_is(client: AsyncOpenAI, speed: float) -> None:
    normal, other = [len(await speech(client, response_format="pcm", speed=each)) for each in (1.0, speed)]
    assert normal / other == pytest.approx(speed, rel=0.25)


async def test_a_voice_has_a_name_or_an_id(client: AsyncOpenAI) -> None:
    named, by_id, usual = [
        len(await speech(client, voice=voice, response_format="pcm")) for voice in ("de+f2", {"id": "de+f2"}, "alloy")
    ]
    assert named == pytest.approx(by_id, abs=1000), "espeak varies by a few samples"
    assert named != pytest.approx(usual, abs=1000)
    with pytest.raises(BadRequestError, match="shimmer") as refusal:
        await speech(client, voice="nobody")
    assert (refusal.value.param, refusal.value.code) == ("voice", "invalid_value")


@pytest.mark.parametrize("name", ["mp3", "opus", "wav", "pcm"])
async def test_the_slices_of_the_event_stream_are_the_file(humming: AsyncOpenAI, name: str) -> None:
    events: list[dict[str, Any]] = []
    async with humming.audio.speech.with_streaming_response.create(
        model="tts-1",
        voice="alloy",
        input=TEXT,
        response_format=name,  # type: ignore[arg-type]
        stream_format="sse",
    ) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        events = [event async for line in answer.iter_lines() for event in events_in(line)]
    *deltas, done = events
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    audio = b"".join(base64.b64decode(event["audio"], validate=True) for event in deltas)
    whole = await speech(humming, response_format=name)
    if name == "opus":  # each stream of Ogg has a random number of its own
        assert len(audio) == len(whole)
    else:
        assert audio == whole
    made = len(await speech(humming, response_format="pcm")) / 2 / OUTPUT_RATE
    usage = done.pop("usage")
    assert done == {"type": "speech.audio.done"}
    assert usage["output_tokens"] == pytest.approx(20 * made, abs=2)
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


async def test_the_framing_of_the_event_stream(url: str) -> None:
    body = json.dumps({"input": "Hi.", "stream_format": "sse"}).encode()
    connection = await RawConnection.open(
        url, request("POST", ROUTE, "content-type: application/json", "connection: close", body=body)
    )
    answer = await connection.last_answer()
    assert answer.status == 200
    lines = [line for line in answer.body.split(b"\r\n") if line and not all(c in b"0123456789abcdef" for c in line)]
    text = b"".join(lines).decode()
    blocks = text.split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith('data: {"type":"speech.audio.') and "\n" not in block for block in blocks)


async def test_samples_are_whole_in_every_piece(client: AsyncOpenAI) -> None:
    """As the Agents SDK reads them: each piece becomes an array."""
    async with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input=TEXT, response_format="pcm", extra_body={"instructions": None}
    ) as answer:
        pieces = [piece async for piece in answer.iter_bytes(1024)]
    assert sum(len(np.frombuffer(piece, "<i2")) for piece in pieces) > OUTPUT_RATE


async def test_long_text_is_one_stream_without_clicks_or_gaps(client: AsyncOpenAI) -> None:
    text = " ".join(["The cat sat on the mat, and it was happy.", "Then it slept!", "Was it a dream?"] * 25)
    samples = np.frombuffer(await speech(client, text, response_format="pcm"), "<i2").astype(int)
    silences = np.diff(np.flatnonzero(np.abs(samples) > 150)) / OUTPUT_RATE
    pauses = silences[silences > 0.2]
    assert len(pauses) >= 74, "one after every sentence but the last"
    assert pauses.max() < 0.6
    # No step is larger than the largest within a single utterance.
    alone = np.frombuffer(await speech(client, "The cat sat on the mat.", response_format="pcm"), "<i2").astype(int)
    assert np.abs(np.diff(samples)).max() < 2 * np.abs(np.diff(alone)).max()


@pytest.mark.parametrize("text", [" ", "🙂", "…!?", "\n\n", "***"])
async def test_a_text_without_words_is_a_short_silence(client: AsyncOpenAI, text: str) -> None:
    samples = np.frombuffer(await speech(client, text, response_format="pcm"), "<i2")
    assert 0.05 < len(samples) / OUTPUT_RATE < 0.2
    assert np.abs(samples).max() < 10, "resampling dithers"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "input", "missing_required_parameter"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": ""}, "input", "empty_string"),
        ({"input": "x" * 4097}, "input", "string_above_max_length"),
        ({"input": 5}, "input", "invalid_type"),
        ({"input": "Hi", "speed": 4.1}, "speed", "decimal_above_max_value"),
        ({"input": "Hi", "speed": 0.2}, "speed", "decimal_below_min_value"),
        ({"input": "Hi", "response_format": "ogg"}, "response_format", "invalid_value"),
        ({"input": "Hi", "stream_format": "x"}, "stream_format", "invalid_value"),
        ({"input": "Hi", "language": "klingon"}, "language", "invalid_value"),
        ({"input": "Hi", "voice": {"name": "x"}}, "voice.id", "missing_required_parameter"),
        ({"input_audio": {"data": "!"}, "input": ""}, "input_audio.data", "invalid_value"),
    ],
)
async def test_what_is_wrong_is_named(url: str, body: dict[str, Any], param: str, code: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        error = refused(await client.post(ROUTE, json=body), 400)
    assert (error["param"], error["code"]) == (param, code)


async def test_a_setting_raises_the_limit() -> None:
    async with benched(gateway_of(scripted_engines(), "--max_speech_characters", "5000")) as bench:
        assert (await bench.client.post(ROUTE, json={"input": "Word. " * 800})).status_code == 200
        error = refused(await bench.client.post(ROUTE, json={"input": "x" * 5001}), 400)
    assert "maximum length 5000" in error["message"]


async def test_what_has_no_effect_is_named(url: str) -> None:
    body = {"input": "Hi.", "instructions": "Whisper.", "foo": 1, "speed": None}
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.post(ROUTE, json=body)
    assert answer.headers["x-ignored-parameters"] == "foo, instructions"


async def test_the_language_is_that_of_the_request_or_the_setting() -> None:
    engines: Any = scripted_engines()
    async with benched(gateway_of(engines, "--language", "fr")) as bench:
        for body in ({"input": "Hi."}, {"input": "Hi.", "language": "German"}):
            assert (await bench.client.post(ROUTE, json=body)).status_code == 200
    assert [asked.language for asked in engines.tts.requests] == ["fr", "de"]


def voice_of(script: Any) -> Any:
    return scripted.Scripted(tts.Info(sample_rate=16_000, voices=("v",), default_voice="v"), script)


async def test_an_engine_that_fails_or_is_mute_has_a_status() -> None:
    async def mute(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.Finished(seconds=0.0, characters=3)

    async with benched(gateway_of(scripted_engines(tts=voice_of(mute)))) as bench:
        for form in ("audio", "sse"):
            refused(await bench.client.post(ROUTE, json={"input": "Hello.", "stream_format": form}), 502)
        assert bench.at_rest()


class Steps:
    """A synthesiser that makes a second of sound of each utterance, when it is allowed to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.allowed = asyncio.Semaphore(0)

    async def __call__(self, asked: tts.Request) -> AsyncGenerator[tts.Event, None]:
        self.begun.append(asked.text)
        await self.allowed.acquire()
        yield tts.AudioChunk(pcm=b"\x00\x10" * 16_000)
        yield tts.Finished(seconds=1.0, characters=len(asked.text))


async def test_speech_begins_with_the_first_clause_and_the_next_is_made_before_that_was_read() -> None:
    steps = Steps()
    async with served(gateway_of(scripted_engines(tts=voice_of(steps)))) as url, httpx.AsyncClient() as client:
        steps.allowed.release()
        text = "Once upon a time, there was a king. He had a dog. " * 20
        async with client.stream("POST", url + ROUTE, json={"input": text, "response_format": "pcm"}) as answer:
            assert answer.status_code == 200
            await until(lambda: len(steps.begun) == 2)
            assert steps.begun[0] == "Once upon a time,"
            for _ in range(200):
                steps.allowed.release()
            async for _ in answer.aiter_bytes():
                pass
    assert " ".join(steps.begun) == text.strip()


@pytest.mark.parametrize("form", ["audio", "sse"])
@pytest.mark.parametrize("sent", [0, 1])
async def test_a_client_that_leaves_frees_the_engine(form: str, sent: int) -> None:
    steps = Steps()
    async with benched(gateway_of(scripted_engines(tts=voice_of(steps)))) as bench:
        for _ in range(sent):
            steps.allowed.release()
        body = json.dumps({"input": TEXT, "stream_format": form, "response_format": "pcm"}).encode()
        connection = await RawConnection.open(
            str(bench.client.base_url), request("POST", ROUTE, "content-type: application/json", body=body)
        )
        await until(lambda: len(steps.begun) == 1 + sent)
        if sent:
            assert (await connection.reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        await connection.close()
        await until(bench.at_rest)


async def test_a_failure_after_the_first_byte_is_seen() -> None:
    async def failing(asked: tts.Request) -> AsyncGenerator[tts.Event, None]:
        if asked.text != "One.":
            raise RuntimeError
        yield tts.AudioChunk(pcm=b"\x00\x10" * 16_000)
        yield tts.Finished(seconds=1.0, characters=4)

    async with benched(gateway_of(scripted_engines(tts=voice_of(failing)))) as bench:
        body = {"input": "One. Two.", "response_format": "pcm"}
        with pytest.raises(httpx.RemoteProtocolError):
            await bench.client.post(ROUTE, json=body)
        answer = await bench.client.post(ROUTE, json={**body, "stream_format": "sse"})
        *_, last = events_in(answer.text)
        assert last["error"]["type"] == "server_error"
        await until(bench.at_rest)


async def test_one_outcome_is_logged_for_each(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with httpx.AsyncClient(base_url=url) as client:
        name = (await client.post(ROUTE, json={"input": "Secret words."})).headers["x-response-id"]
    (line,) = [line for line in caplog.messages if line.startswith(f"{name} ")]
    assert line.startswith(f"{name} stop surface=speech key=anyone model=")
    assert "Secret" not in caplog.text


async def test_with_a_recording_it_is_the_voice_turn_of_the_other_route() -> None:
    engines: Any = scripted_engines()
    async with benched(gateway_of(engines)) as bench:
        fields = asked(response_format="pcm", instructions="Be brief.")["json"]
        here = await bench.client.post(ROUTE, json={"input": "", "model": "any", **fields})
        there = await bench.client.post("/v1/audio/speech-to-speech", json=fields)
        assert here.content == there.content
        assert here.headers["x-transcript"] == there.headers["x-transcript"] == "what%20did%20you%20say"
        assert here.headers.keys() - {"date"} == there.headers.keys() - {"date"}
        first, second = [msgspec.to_builtins(each.messages) for each in engines.llm.requests]
        assert first == second
        named = await bench.client.post(ROUTE, json={"input": "Say this.", **fields})
        assert named.headers["x-ignored-parameters"] == "input"
        default = await bench.client.post(ROUTE, json={"input": "", **asked()["json"]})
        assert default.headers["content-type"] == "audio/mpeg"


async def test_the_sdk_takes_a_voice_turn_through_its_speech_resource() -> None:
    async with served(gateway_of(scripted_engines())) as url:
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key="unused") as client:
            recording = {"data": base64.b64encode(question()).decode(), "format": "wav"}
            async with client.audio.speech.with_streaming_response.create(
                model="s2s", voice="alloy", input="", response_format="pcm", extra_body={"input_audio": recording}
            ) as answer:
                pieces = [piece async for piece in answer.iter_bytes()]
    assert len(b"".join(pieces)) > OUTPUT_RATE // 2
