"""The audio of an answer is one file in any case, also when there is nothing to say."""

import asyncio
import io
import json
import shutil
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from adapters.contract import llm, tts
from gateway.audio.decode import decode
from gateway.audio.encode import FORMATS, OUTPUT_RATE, Encoder
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.encoded import encoded

RATE = 16_000


def finished(reason: llm.FinishReason) -> AnswerFinished:
    return AnswerFinished(text="", message=llm.Message(role="assistant", parts=()), reason=reason, usage=None)


async def audio_of(name: str, *events: Any, audio_only: bool = True) -> bytes:
    async def source() -> AsyncGenerator[Any, None]:
        for event in events:
            yield event

    return b"".join([data async for _, data in encoded(source(), name, RATE, audio_only=audio_only)])


@pytest.mark.parametrize("name", ["wav", "mp3", "opus"])
async def test_soundfile_reads_the_silence(name: str) -> None:
    samples, rate = soundfile.read(io.BytesIO(await audio_of(name, finished("stop"))), dtype="int16")
    assert len(samples) / rate > 0.05
    assert abs(samples.astype(int)).max() < 10


@pytest.mark.parametrize("name", FORMATS)
async def test_an_answer_with_nothing_to_say_is_a_valid_short_silence(name: str, tmp_path: Path) -> None:
    data = await audio_of(name, llm.TextDelta(text="🙂"), finished("stop"))
    if name == "pcm":
        samples, rate = np.frombuffer(data, "<i2"), OUTPUT_RATE
    else:
        check_with_ffprobe(data, tmp_path / f"silence.{FORMATS[name].extension}")
        samples, rate = decoded(data)
    assert 0.05 < len(samples) / rate < 0.2
    assert abs(samples.astype(int)).max() < 10, "no codec makes a sound of it"


def decoded(data: bytes) -> tuple[Any, int]:
    pcm = b"".join(decode(data, sample_rate=OUTPUT_RATE, max_seconds=1))
    return np.frombuffer(pcm, "<i2"), OUTPUT_RATE


def check_with_ffprobe(data: bytes, path: Path) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("needs ffprobe")
    path.write_bytes(data)
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)]
    probed = subprocess.run(command, capture_output=True, check=True)
    assert probed.stderr == b""
    (stream,) = json.loads(probed.stdout)["streams"]
    assert (stream["codec_type"], stream["channels"]) == ("audio", 1)
    assert int(stream["nb_read_frames"]) > 0


async def test_an_answer_that_only_calls_has_no_audio_where_the_calls_are_seen() -> None:
    assert await audio_of("wav", finished("tool_calls"), audio_only=False) == b""
    assert await audio_of("wav", finished("tool_calls"), audio_only=True)
    assert await audio_of("wav", finished("length"), audio_only=False)


async def test_no_silence_is_added_to_what_is_spoken() -> None:
    chunk = tts.AudioChunk(pcm=b"\x01\x00" * RATE)
    assert len(await audio_of("pcm", chunk, finished("stop"))) == pytest.approx(2 * OUTPUT_RATE, abs=20)


@pytest.mark.parametrize("name", ["mp3", "opus", "aac"])
async def test_the_first_bytes_do_not_wait_for_the_rest_of_the_first_sound(name: str) -> None:
    async def source() -> AsyncGenerator[Any, None]:
        yield tts.AudioChunk(pcm=b"\x01\x10" * RATE)
        yield tts.AudioChunk(pcm=b"\x01\x10" * RATE)
        yield finished("stop")

    given = [data async for _, data in encoded(source(), name, RATE, audio_only=True)]
    *waited, first, rest, second, _ = given
    assert not any(waited)
    assert 0 < len(first) < len(rest) / 5, "a tenth of a second at most"
    assert len(second) > len(rest) / 2, "after that it is encoded as it comes"


async def test_samples_are_sent_as_they_come() -> None:
    async def source() -> AsyncGenerator[Any, None]:
        yield tts.AudioChunk(pcm=b"\x01\x10" * RATE)

    assert len([data async for _, data in encoded(source(), "wav", RATE, audio_only=True)]) == 1


async def test_others_come_in_between_where_all_sound_is_there() -> None:
    async def source() -> AsyncGenerator[Any, None]:
        for _ in range(5):
            yield tts.AudioChunk(pcm=b"\x01\x10" * RATE)

    worked: list[int] = []

    async def work() -> None:
        while True:
            worked.append(0)
            await asyncio.sleep(0)

    task = asyncio.create_task(work())
    seen = [len(worked) async for _ in encoded(source(), "pcm", RATE, audio_only=True)]
    task.cancel()
    assert len(set(seen)) == 5


async def test_the_codec_is_opened_while_the_first_sound_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = asyncio.Event()
    opening = Encoder.open

    def noted(self: Encoder) -> None:
        opening(self)
        opened.set()

    monkeypatch.setattr(Encoder, "open", noted)

    async def source() -> AsyncGenerator[Any, None]:
        async with asyncio.timeout(10):
            await opened.wait()
        yield tts.AudioChunk(pcm=bytes(2 * RATE))
        yield finished("stop")

    assert b"".join([data async for _, data in encoded(source(), "mp3", RATE, audio_only=True)])
