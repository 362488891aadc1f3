"""The synthesiser behind a scripted server, over a real socket."""

import asyncio
import io
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest
import soundfile

from adapters.blocking import call
from adapters.contract import tts
from adapters.contract.checks import tts_grammar
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, TimedOut, TooLong, Unavailable
from adapters.contract.errors import UpstreamError as ServerError
from adapters.options import BadOption
from adapters.tts.openai.adapter import OpenAISynthesiser
from tests.support.synthesis import events
from tests.support.upstream_server import Exchange, Script, UpstreamServer, hold, in_order, replies

TONE = (8_000 * np.sin(np.arange(24_000) * 0.1)).astype("<i2")


def engine(server: UpstreamServer, **options: Any) -> OpenAISynthesiser:
    given = {"tts_max_retries": 0, **options}
    return OpenAISynthesiser(OpenAISynthesiser.Options(tts_base_url=server.base_url, **given))


async def spoken(script: Script, options: dict[str, Any] | None = None, **request: Any) -> tuple[Any, Any]:
    """The samples of one utterance and the body of the last request; no answer stays open."""
    async with UpstreamServer(script) as server, aclosing(engine(server, **options or {})) as synthesiser:
        try:
            found = await events(synthesiser, tts.Request(**{"text": "Hello.", **request}))
        finally:
            assert server.open_streams == 0
        tts_grammar(found)
        samples = b"".join(event.pcm for event in found if isinstance(event, tts.AudioChunk))
        return np.frombuffer(samples, "<i2"), server.exchanges[-1].json if server.exchanges else None


def audio(data: bytes, content_type: str = "audio/pcm") -> Script:
    return replies(200, data, content_type)


def file(kind: str, rate: int = 24_000, channels: int = 1) -> bytes:
    written = io.BytesIO()
    soundfile.write(written, np.stack([TONE] * channels, axis=1), rate, format=kind)
    return written.getvalue()


async def test_everything_that_is_asked_for_is_sent() -> None:
    _, body = await spoken(
        audio(TONE.tobytes()), {"tts_model": "m"}, voice="af_sky", speed=1.5, instructions="sadly", language="de"
    )
    assert body == {
        "model": "m",
        "input": "Hello.",
        "voice": "af_sky",
        "response_format": "pcm",
        "speed": 1.5,
        "instructions": "sadly",
    }


async def test_what_is_not_asked_for_is_not_sent() -> None:
    _, body = await spoken(audio(TONE.tobytes()))
    assert body == {"model": "gpt-4o-mini-tts", "input": "Hello.", "voice": "alloy", "response_format": "pcm"}


async def test_sound_is_passed_on_as_it_arrives() -> None:
    heard = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.start(content_type="audio/pcm")
        await exchange.send(TONE.tobytes()[:4801])
        await heard.wait()
        await exchange.send(TONE.tobytes()[4801:])
        await exchange.finish()

    async with UpstreamServer(script) as server, aclosing(engine(server)) as synthesiser:
        async with aclosing(synthesiser.stream(tts.Request(text="Hello."))) as stream:
            assert await anext(stream) == Started()
            first = await anext(stream)
            heard.set()
            *chunks, finished = [event async for event in stream]
    assert isinstance(first, tts.AudioChunk)
    assert first.pcm == TONE.tobytes()[:4800]
    assert first.pcm + b"".join(chunk.pcm for chunk in chunks if isinstance(chunk, tts.AudioChunk)) == TONE.tobytes()
    assert isinstance(finished, tts.Finished)
    assert (round(finished.seconds, 6), finished.characters) == (1.0, 6)


@pytest.mark.parametrize("kind", ["WAV", "MP3", "FLAC", "OGG"])
@pytest.mark.parametrize("rate", [24_000, 16_000])
async def test_files_are_read_whatever_they_are_called(kind: str, rate: int) -> None:
    samples, _ = await spoken(audio(file(kind, rate), "application/octet-stream"))
    assert len(samples) == pytest.approx(24_000 * 24_000 / rate, rel=0.1)
    assert np.abs(samples).max() == pytest.approx(8_000, rel=0.2)


@pytest.mark.parametrize(
    ("script", "threads"), [(audio(TONE.tobytes()), 0), (audio(file("WAV")), 0), (audio(file("FLAC")), 1)]
)
async def test_only_files_that_have_to_be_decoded_are_read_in_a_thread(
    script: Script, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread takes longer than all else that is done with samples."""
    called: list[Any] = []

    async def noted(function: Any) -> Any:
        called.append(function)
        return await call(function)

    monkeypatch.setattr("adapters.tts.openai.adapter.call", noted)
    samples, _ = await spoken(script)
    assert np.array_equal(samples, TONE)
    assert len(called) == threads


async def test_two_channels_become_one() -> None:
    samples, _ = await spoken(audio(file("WAV", channels=2), "audio/wav"))
    assert np.array_equal(samples, TONE)


@pytest.mark.parametrize("size", [0, 0x1000_0000, 1_000_000_000, 0x4000_0000, 2_000_000_000, 0x7FFF_0000, 0xFFFF_FFFF])
async def test_a_wav_file_of_unknown_size_is_streamed(size: int) -> None:
    data = bytearray(file("WAV"))
    data[data.index(b"data") + 4 : data.index(b"data") + 8] = size.to_bytes(4, "little")
    samples, _ = await spoken(audio(bytes(data), "audio/wav"), {"tts_response_format": "wav"})
    assert np.array_equal(samples, TONE)


async def test_raw_samples_have_the_rate_that_their_type_says() -> None:
    samples, _ = await spoken(audio(TONE.tobytes(), "audio/pcm; rate=12000"))
    assert len(samples) == pytest.approx(48_000, rel=0.01)


@pytest.mark.parametrize("text", ["", "...", "?! 🙂"])
async def test_only_punctuation_is_not_sent(text: str) -> None:
    samples, body = await spoken(audio(TONE.tobytes()), text=text)
    assert (len(samples), body) == (0, None)


async def cut_short(exchange: Exchange) -> None:
    await exchange.start(content_type="audio/pcm")
    await exchange.send(TONE.tobytes()[:100])
    exchange.cut()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (audio(b"<html>Welcome</html>", "text/html"), "answered with 'text/html' instead of audio"),
        (audio(b"<html>Welcome</html>", ""), "instead of audio"),
        (replies(200, {"error": {"message": "no"}}), "reported an error instead of audio"),
        (audio(b'{"audio": "aGVsbG8="}', "audio/pcm"), "instead of audio"),
        (audio(b""), "without any audio"),
        (audio(file("WAV")[:30], "audio/wav"), "half an audio file"),
        (audio(file("WAV")[:2000], "audio/wav"), "half an audio file"),
        (audio(file("MP3")[:40], "audio/mpeg"), "cannot be decoded|without any audio"),
        (audio(b"ID3" + bytes(500), "audio/mpeg"), "cannot be decoded"),
        (audio(bytes(48_000)), "nothing but silence"),
        (cut_short, "cut the connection in the middle"),
        (replies(500, {"error": {"message": "boom"}}), "failed with status 500"),
    ],
)
async def test_what_is_no_sound_is_said(script: Script, words: str) -> None:
    with pytest.raises(ServerError, match=words):
        await spoken(script)


async def test_a_refusal_names_the_text() -> None:
    refusal = {"error": {"message": "too odd", "param": "input", "code": "invalid_value"}}
    with pytest.raises(InvalidRequest, match="too odd") as raised:
        await spoken(replies(400, refusal))
    assert raised.value.param == "text"


async def test_a_failure_before_the_first_sound_is_repeated() -> None:
    samples, _ = await spoken(in_order([replies(503, {}), audio(TONE.tobytes())]), {"tts_max_retries": 1})
    assert np.array_equal(samples, TONE)


async def test_time_limits_name_their_option() -> None:
    with pytest.raises(TimedOut, match="--tts_first_token_timeout"):
        await spoken(hold, {"tts_first_token_timeout": 0.05})


async def test_a_server_that_is_not_there() -> None:
    async with UpstreamServer() as server:
        pass
    async with aclosing(engine(server)) as synthesiser:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await events(synthesiser, tts.Request(text="Hello."))


async def test_limits_are_those_of_every_engine() -> None:
    with pytest.raises(TooLong):
        await spoken(audio(TONE.tobytes()), text="a" * 5001)


def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(BadOption, match="--tts_api_key"):
        OpenAISynthesiser(OpenAISynthesiser.Options())
